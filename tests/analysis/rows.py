"""Answers as they are read, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec
from tests.contracts.warehouse_rig import NOW, SIGN, task

SPEC: TaskSpec = task()


def answered(
    subject: str,
    answer: Mapping[str, object],
    *,
    asset: str = "asset-1",
    snapshot: str = "snapshot-1",
    days_old: float | None = 0,
) -> AnswerRow:
    """Return a current answer about an image that was made so many days before ``NOW``."""
    captured_at: datetime | None = None if days_old is None else NOW - timedelta(days=days_old)
    return AnswerRow(
        subject, subject, asset, snapshot, SIGN, f"gs://b/{subject}.jpg", 52.0, 5.0, captured_at,
        answer, SPEC.fingerprint, "demo-1", "run-1", NOW, f"part-{subject}",
    )  # fmt: skip
