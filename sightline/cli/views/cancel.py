"""What ``sightline cancel`` shows."""

from __future__ import annotations

from sightline.cli.output import say
from sightline.operations.cancel import CancelledRun


def cancelled_json(result: CancelledRun) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {"run_id": result.run_id, "dropped": result.dropped}


def print_cancelled(result: CancelledRun) -> None:
    """Print how many messages were dropped."""
    say(f"run {result.run_id} is cancelled; {result.dropped:,} queued messages were dropped")
