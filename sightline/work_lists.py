"""What every engine's work lists have in common: what is asked, how it is drawn and read back."""

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
"""Parts of one request: an engine may keep a bit for each in a 64-bit integer."""

MAX_OBSERVATIONS = 16
"""Observations in one message: an asset's most recent ones, so that 1 MiB holds them."""

ITEM_COLUMNS = "bucket, seq, subject_id, observations, parts"

Result = TypeVar("Result")

ItemRow = tuple[int, int, str, str, str]
"""The values of ``ITEM_COLUMNS``."""


def part_suffix(part: Part) -> str:
    """Return what follows the subject's id in the text whose SHA-256 is the part's key."""
    if isinstance(part, AnswerPart):
        fields = ("answer", part.task, part.fingerprint, part.model, "")
    else:
        fields = ("embedding", "", "", part.model, str(part.dimension))
    return SEPARATOR.join(fields)


def distinct_requests(request: RunRequest) -> tuple[PartRequest, ...]:
    """Return the parts asked for, each once.

    Raises:
        ConfigurationError: there are more than a work list can hold.
    """
    requests = tuple({(part.part, part.by_asset): part for part in request.parts}.values())
    if len(requests) > MAX_REQUESTS:
        raise ConfigurationError(
            f"{len(requests)} parts a subject exceed {MAX_REQUESTS}; enqueue fewer tasks a run"
        )
    return requests


def request_json(request: RunRequest, *, buckets: int, range_items: int) -> str:
    """Return what a run was document for, and how its work list is cut up, as its row holds it."""
    document = {**asdict(request), "buckets": buckets, "range_items": range_items}
    return json.dumps(document, default=str, sort_keys=True)


BY_STATEMENTS = "bigquery"
"""The engine, in a run's request, whose statements ask the models; no message is sent for it."""

BY_BATCH_JOBS = "batch"
"""The engine whose statements do all but ask: jobs of batch prediction ask the models."""

BY_WORKERS = ""
"""What stands in the request of a run that workers do."""


def engine_of(request: str) -> str:
    """Return the engine that a run with this request is for."""
    return str(orjson.loads(request).get("engine") or BY_WORKERS)


def is_by_workers(request: str) -> bool:
    """Return whether workers do a run with this request, for which messages are sent."""
    return engine_of(request) == BY_WORKERS


def tasks_of(requests: Iterable[str]) -> dict[str, str]:
    """Return the names of the tasks, by fingerprint, that runs with these requests ask for."""
    parts_of_runs = (orjson.loads(request).get("parts", ()) for request in {*requests})
    parts = (part["part"] for parts in parts_of_runs for part in parts)
    return {part["fingerprint"]: part["task"] for part in parts if "fingerprint" in part}


def check_in_batch(part: Part) -> None:
    """Check that jobs of batch prediction ask a part's model.

    Raises:
        ConfigurationError: they do not, and what to do instead.
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
    """Return the item that a row of a work list holds."""
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

    The row holds its JSON already: reading it and writing it again took three quarters of the time
    of publishing. What is wrong in it is the worker's to find, who makes it a dead letter.
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
    """Return what no published range covers, in order, in ranges of at most ``range_items``.

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
    """Wait for work in threads, also when cancelled: its lock must not be let go before."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
