"""What the work lists of all engines share: requested parts, columns, ranges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterable
from dataclasses import asdict
from typing import TypeVar

import orjson

from sightline.errors import ConfigurationError
from sightline.model import (
    SEPARATOR,
    AnswerPart,
    ListedMessage,
    Part,
    PartRequest,
    RunRequest,
    WorkItem,
    WorkRange,
)
from sightline.settings.serving import why_not_in_batch
from sightline.wire import VERSION, parts_from_json, rows_to_observations

MAX_REQUESTS = 62
"""The most parts per request: an engine may store one bit for each in a 64-bit integer."""

MAX_OBSERVATIONS = 16
"""The most observations in one message, an asset's newest, so that it fits into 1 MiB."""

ITEM_COLUMNS = "bucket, seq, subject_id, observations, parts"

Result = TypeVar("Result")

ItemRow = tuple[int, int, str, str, str]
"""The values of ``ITEM_COLUMNS``."""


def part_suffix(part: Part) -> str:
    """Return the text that follows the subject's id in the input of a part key's SHA-256."""
    if isinstance(part, AnswerPart):
        fields = ("answer", part.task, part.fingerprint, part.model, "")
    else:
        fields = ("embedding", "", "", part.model, str(part.dimension))
    return SEPARATOR.join(fields)


def distinct_requests(request: RunRequest) -> tuple[PartRequest, ...]:
    """Return the requested parts, each once.

    Raises:
        ConfigurationError: there are more than a work list can hold.
    """
    requests = tuple({(part.part, part.by_asset): part for part in request.parts}.values())
    if len(requests) > MAX_REQUESTS:
        raise ConfigurationError(
            f"{len(requests)} parts per subject exceed {MAX_REQUESTS}; enqueue fewer tasks per run"
        )
    return requests


def request_json(request: RunRequest, *, buckets: int, range_items: int) -> str:
    """Return a run's request and the division of its work list, as stored in its row."""
    document = {**asdict(request), "buckets": buckets, "range_items": range_items}
    return json.dumps(document, default=str, sort_keys=True)


BY_STATEMENTS = "bigquery"
"""The engine name, in a run's request, for work in SQL statements; no messages are sent."""

BY_BATCH_JOBS = "batch"
"""The engine name for batch prediction jobs; statements do everything else."""

BY_WORKERS = ""
"""The engine name in the request of a run for workers."""


def engine_of(request: str) -> str:
    """Return the engine for a run with this request."""
    return str(orjson.loads(request).get("engine") or BY_WORKERS)


def is_by_workers(request: str) -> bool:
    """Return whether workers process a run with this request, so that messages are sent."""
    return engine_of(request) == BY_WORKERS


def tasks_of(requests: Iterable[str]) -> dict[str, str]:
    """Return the tasks' names, by fingerprint, that runs with these requests ask for."""
    parts_of_runs = (orjson.loads(request).get("parts", ()) for request in {*requests})
    parts = (part["part"] for parts in parts_of_runs for part in parts)
    return {part["fingerprint"]: part["task"] for part in parts if "fingerprint" in part}


def check_in_batch(part: Part) -> None:
    """Check that batch prediction jobs can call a part's model.

    Raises:
        ConfigurationError: they cannot; the message says what to do instead.
    """
    why_not = why_not_in_batch(part.model)
    if not why_not:
        return
    if isinstance(part, AnswerPart):
        raise ConfigurationError(f"{why_not}; set models.classify to a Gemini model")
    raise ConfigurationError(
        f"{why_not}; give --no-embed, set models.embed to gemini-embedding-2, or use --engine"
        " bigquery"
    )


def work_item(run_id: str, row: ItemRow) -> WorkItem:
    """Return the item in a row of a work list."""
    bucket, seq, subject_id, observations, parts = row
    return WorkItem(
        run_id,
        bucket,
        seq,
        subject_id,
        rows_to_observations(orjson.loads(observations)),
        parts_from_json(orjson.loads(parts)),
    )


LISTED_COLUMNS = "subject_id, asset_type, observations, parts"

ListedRow = tuple[str, str | None, str, str]
"""The values of ``LISTED_COLUMNS``."""


def listed_message(run_id: str, row: ListedRow) -> ListedMessage:
    """Return the message of a row of a work list.

    The row's JSON is copied as it is: decoding and encoding it took three quarters of the time of
    publishing. A worker that receives an invalid message makes it a dead letter.
    """
    subject_id, asset_type, observations, parts = row
    body = (
        f'{{"v":{VERSION},"run_id":{_text(run_id)},"subject_id":{_text(subject_id)},'
        f'"observations":{observations},"parts":{parts}}}'
    )
    return ListedMessage(body.encode(), asset_type or "")


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


def unpublished_ranges(
    run_id: str,
    bucket_sizes: Iterable[tuple[int, int]],
    published: Iterable[tuple[int, int, int]],
    range_items: int,
) -> list[WorkRange]:
    """Return the unpublished ranges, in order, of at most ``range_items`` items each.

    ``bucket_sizes`` are (bucket, items), ``published`` are (bucket, start, stop).
    """
    done: dict[int, list[tuple[int, int]]] = {}
    for bucket, start, stop in published:
        done.setdefault(bucket, []).append((start, stop))
    return [
        WorkRange(run_id, bucket, start, min(start + range_items, stop))
        for bucket, size in sorted(bucket_sizes)
        for first, stop in _gaps(size, sorted(done.get(bucket, [])))
        for start in range(first, stop, range_items)
    ]


def _gaps(size: int, covered: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield the intervals of ``0 <= seq < size`` outside the sorted intervals ``covered``."""
    at = 0
    for start, stop in covered:
        if start > at:
            yield at, min(start, size)
        at = max(at, stop)
    if at < size:
        yield at, size


async def run_to_completion(work: Awaitable[Result]) -> Result:
    """Wait for work in threads even if cancelled: its lock must not be released earlier."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
