"""What every engine's dead letters have in common: the columns that are read, and their row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sightline.errors import Reason
from sightline.model import Usage
from sightline.ports import DeadLetterRow

LETTER_COLUMNS = """event_id, COALESCE(part_key, ''), COALESCE(message_id, ''),
  COALESCE(run_id, ''), COALESCE(subject_id, ''), event, reason, COALESCE(detail, ''),
  COALESCE(delivery_attempt, 0), COALESCE(input_tokens, 0), COALESCE(output_tokens, 0),
  COALESCE(cost_usd_micros, 0), COALESCE(body, ''), COALESCE(worker_id, '')"""
"""All of a dead letter but its time, which engines read in ways of their own."""


def dead_letter(row: Sequence[Any], at: datetime) -> DeadLetterRow:
    """Return the event that a row of ``LETTER_COLUMNS`` holds."""
    return DeadLetterRow(
        event_id=row[0],
        part_key=row[1],
        message_id=row[2],
        run_id=row[3],
        subject_id=row[4],
        event=row[5],
        reason=Reason(row[6]),
        detail=row[7],
        delivery_attempt=row[8],
        usage=Usage(row[9], row[10], row[11]),
        body=row[12],
        worker_id=row[13],
        at=at,
    )
