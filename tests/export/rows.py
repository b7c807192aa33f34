"""Answers as a port gives them, for the formats to write; some of them hostile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec
from tests.contracts.warehouse_rig import NOW, task

SPEC: TaskSpec = task()
HOSTILE = (
    "=HYPERLINK(\"http://x\";\"y\")", "+1", "-2", "@SUM(A1)", "\tx", "a,b", 'say "hi"',
    "two\r\nlines", "é🚧", "", "null", "'quoted'", "\x00nul", "</script>",
)  # fmt: skip
"""Notes that a format may trip over."""


def row(number: int, **changes: object) -> AnswerRow:
    """Return an answer about one image; two images show one asset."""
    name = f"obs-{number:05d}"
    answer_row = AnswerRow(
        subject_id=name,
        observation_id=name,
        asset_id=f"asset-{number // 2:05d}",
        snapshot_id="snap-1",
        asset_type="ASSET_CLASS_ROAD_SIGN",
        gcs_uri=f"gs://bucket/snap-1/v0/{name}.jpg",
        latitude=52.0 + number / 1000,
        longitude=5.0 - number / 1000,
        capture_time=NOW - timedelta(days=number, microseconds=1),
        answer={
            "kind": "stop",
            "tilted": number % 2 == 0,
            "count": number,
            "height": number / 2,
            "note": HOSTILE[number % len(HOSTILE)],
            "damage": ["rust", "a;b"] if number % 2 else [],
        },
        fingerprint=SPEC.fingerprint,
        model="demo-1",
        run_id="run-1",
        written_at=datetime(2026, 5, 4, 12, tzinfo=UTC),
        part_key=f"{number:064x}",
    )
    return replace(answer_row, **changes)  # type: ignore[arg-type]  # tests name real fields


NOWHERE = row(
    14,
    latitude=None,
    longitude=None,
    capture_time=None,
    answer=dict.fromkeys(("kind", "tilted", "count", "height", "note", "damage")),
)
OFF_THE_EARTH = row(15, latitude=float("nan"), longitude=200.0)
ALL = [*(row(number) for number in range(len(HOSTILE))), NOWHERE, OFF_THE_EARTH]
