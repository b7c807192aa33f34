"""What ``sightline evaluate`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import print_table
from sightline.operations.evaluate import Evaluation


def evaluation_json(result: Evaluation) -> list[dict[str, object]]:
    """Return the document of ``--json``."""
    return [asdict(score) for score in result.scores]


def print_evaluation(result: Evaluation) -> None:
    """Print the accuracy of each field."""
    columns = ("task", "field", "subjects", "answered", "accuracy", "majority")
    rows = [[getattr(score, name) for name in columns] for score in result.scores]
    print_table("", columns, rows)
