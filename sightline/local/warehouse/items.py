"""A row of a work list, as an item."""

from __future__ import annotations

import orjson

from sightline.model import WorkItem
from sightline.wire import parts_from_json, rows_to_observations

ITEM_COLUMNS = "bucket, seq, subject_id, observations, parts"

ItemRow = tuple[int, int, str, str, str]
"""The values of ``ITEM_COLUMNS``."""


def work_item(run_id: str, row: ItemRow) -> WorkItem:
    """Return the item that this row holds."""
    bucket, seq, subject_id, observations, parts = row
    return WorkItem(
        run_id,
        bucket,
        seq,
        subject_id,
        rows_to_observations(orjson.loads(observations)),
        parts_from_json(orjson.loads(parts)),
    )
