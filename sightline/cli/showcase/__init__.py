"""The demo: its steps, the workers it starts, and the summary it ends with."""

from sightline.cli.showcase.report import report
from sightline.cli.showcase.steps import DemoOutcome, run

__all__ = ["DemoOutcome", "report", "run"]
