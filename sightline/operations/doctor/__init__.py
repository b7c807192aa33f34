"""The checks of everything that the job needs: one file per group of checks, findings as data."""

from sightline.operations.doctor.examination import Examination, examine, examine_project
from sightline.operations.doctor.finding import CheckStatus, Finding

__all__ = ["CheckStatus", "Examination", "Finding", "examine", "examine_project"]
