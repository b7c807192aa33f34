"""The checks of all that the job needs: one file a group of checks, findings as data."""

from sightline.operations.doctor.examination import Examination, examine, examine_project
from sightline.operations.doctor.finding import CheckStatus, Finding

__all__ = ["CheckStatus", "Examination", "Finding", "examine", "examine_project"]
