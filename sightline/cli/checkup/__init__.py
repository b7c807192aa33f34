"""What ``sightline doctor`` checks: one file a group of checks, findings as data."""

from sightline.cli.checkup.examination import examine
from sightline.cli.checkup.finding import Finding

__all__ = ["Finding", "examine"]
