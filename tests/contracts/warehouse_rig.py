"""A warehouse to be tested through its ports alone, and the rows that tests write into it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sightline.errors import Reason
from sightline.model import (
    AnswerPart,
    EmbeddingPart,
    Filter,
    Observation,
    Part,
    PartRequest,
    Run,
    RunRequest,
    Usage,
    WorkItem,
)
from sightline.ports import (
    ClassificationRow,
    DeadLetterRow,
    DeadLetters,
    EmbeddingRow,
    Ledgers,
    ObservationSource,
    Provenance,
    ResultWriter,
    Runs,
    Search,
)
from sightline.tasks import TaskSpec, parse_task
from sightline.wire import encode

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SIGN = "ASSET_CLASS_ROAD_SIGN"
POLE = "ASSET_CLASS_UTILITY_POLE"
DIMENSION = 4


@dataclass(frozen=True, slots=True)
class WarehouseRig:
    """A warehouse. ``load`` imports observations; ``queued`` holds what the queue is said to.

    ``edges_outside``: an area's boundary is no part of it. So it is everywhere but on the BigQuery
    emulator, which takes the corners of a polygon in. ``sees_queue``: the messages in the queue
    can be enumerated, as those of Pub/Sub cannot: what is published and not settled counts as
    queued then, and may be lost.
    """

    source: ObservationSource
    writer: ResultWriter
    ledgers: Ledgers
    runs: Runs
    dead_letters: DeadLetters
    search: Search
    load: Callable[[Sequence[Observation]], Awaitable[None]]
    queued: dict[str, list[bytes]] = field(default_factory=dict)
    edges_outside: bool = True
    sees_queue: bool = True

    async def open(self, request: RunRequest, run_id: str, *, at: datetime = NOW) -> Run:
        """Open a run."""
        return await self.source.open_run(request, run_id=run_id, now=at)

    async def items(self, run_id: str) -> list[WorkItem]:
        """Return a run's whole work list; it must not be published yet."""
        ranges = await self.source.unpublished(run_id)
        return [item for item_range in ranges for item in await self.source.items(item_range)]

    async def publish(self, run_id: str) -> list[WorkItem]:
        """Put a run's messages into the queue."""
        published: list[WorkItem] = []
        for item_range in await self.source.unpublished(run_id):
            items = await self.source.items(item_range)
            self.queued.setdefault(run_id, []).extend(encode(item) for item in items)
            await self.source.mark_published(item_range, now=NOW)
            published += items
        return published


def observation(number: int, **changes: object) -> Observation:
    """Return an observation; two of them show one asset."""
    base = Observation(
        observation_id=f"obs-{number:03d}",
        asset_id=f"asset-{number // 2:03d}",
        snapshot_id="snap-1",
        asset_type=SIGN if number // 2 % 2 == 0 else POLE,
        gcs_uri=f"gs://bucket/snap-1/v0/obs-{number:03d}.jpg",
        latitude=52.0 + number / 1000,
        longitude=5.0 + number / 1000,
        capture_time=NOW - timedelta(days=number),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # tests name real fields


def task(name: str = "signs", *, prompt: str = "What is it?", by_asset: bool = False) -> TaskSpec:
    """Return a task with a field of each type."""
    return parse_task(
        f'name = "{name}"\nprompt = "{prompt}"\n'
        + ("multi_observation = true\n" if by_asset else "")
        + """
[fields.kind]
type = "enum"
values = ["stop", "yield", "unknown"]
description = "kind"
[fields.tilted]
type = "boolean"
description = "tilted"
[fields.count]
type = "integer"
description = "count"
[fields.height]
type = "number"
description = "height"
[fields.note]
type = "string"
description = "note"
[fields.damage]
type = "list"
description = "damage"
"""
    ).resolve("demo-1")


def answer_part(spec: TaskSpec) -> AnswerPart:
    """Return the part that asks for a task's answer."""
    return AnswerPart(spec.name, spec.fingerprint, spec.model)


EMBEDDING = EmbeddingPart("demo-1", DIMENSION)


def asking(*parts: PartRequest | Part, which: Filter | None = None) -> RunRequest:
    """Return a request for these parts."""
    requests = tuple(part if isinstance(part, PartRequest) else PartRequest(part) for part in parts)
    return RunRequest(which or Filter(), requests, "sightline enqueue")


def provenance(run_id: str = "run-1", *, at: datetime = NOW, cost: int = 7) -> Provenance:
    """Return how a result came about."""
    return Provenance(Usage(100, 20, cost), 350, 1, run_id, "worker-1", at)


ANSWER = '{"kind":"stop","tilted":true,"count":2,"height":3.5,"note":"é","damage":["rust","dent"]}'


def answer_row(
    item: WorkItem,
    part: AnswerPart,
    *,
    answer: str = ANSWER,
    by_asset: bool = False,
    at: datetime = NOW,
) -> ClassificationRow:
    """Return the answer to a part of an item."""
    return ClassificationRow(
        part.key(item.subject_id),
        item.subject_id,
        by_asset,
        item.observations[0],
        part,
        answer,
        "STOP",
        provenance(item.run_id, at=at),
    )


def unit(angle: float) -> list[float]:
    """Return a unit vector in a plane."""
    return [math.cos(angle), math.sin(angle), 0.0, 0.0]


def embedding_row(item: WorkItem, vector: Any = None, *, at: datetime = NOW) -> EmbeddingRow:
    """Return the embedding of an item's image."""
    return EmbeddingRow(
        EMBEDDING.key(item.subject_id),
        item.subject_id,
        item.observations[0],
        EMBEDDING,
        unit(0.0) if vector is None else vector,
        provenance(item.run_id, at=at),
    )


def dead_row(
    item: WorkItem,
    part: Part,
    *,
    event: str = "dead",
    reason: Reason = Reason.IMAGE_GONE,
    event_id: str = "",
    at: datetime = NOW,
) -> DeadLetterRow:
    """Return an event of a part of an item."""
    return DeadLetterRow(
        event_id or f"{event}-{part.key(item.subject_id)[:8]}-{at:%H%M%S%f}",
        part.key(item.subject_id),
        "message-1",
        item.run_id,
        item.subject_id,
        event,
        reason,
        "not found",
        2,
        Usage(10, 0, 1),
        encode(replace(item, parts=(part,))).decode(),
        "worker-1",
        at,
    )


async def write_all(rig: WarehouseRig, items: Sequence[WorkItem]) -> None:
    """Write a result for every part of the items."""
    await rig.writer.write(
        [
            answer_row(item, part) if isinstance(part, AnswerPart) else embedding_row(item)
            for item in items
            for part in item.parts
        ]
    )
