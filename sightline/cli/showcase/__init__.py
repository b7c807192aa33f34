"""The demo: its steps, the workers that it starts, and its final summary."""

from sightline.cli.showcase.report import report
from sightline.cli.showcase.steps import DemoOutcome, run

__all__ = ["DemoOutcome", "report", "run"]
