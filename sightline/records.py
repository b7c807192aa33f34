"""Maps the fields of records to the columns of ledgers, for every engine.

An engine that writes rows uses ``columns_of``; one that writes columns collects them from it. Each
engine reads times itself, since their representations differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from sightline.errors import ConfigurationError, Reason
from sightline.model import CameraPose, EmbeddingPart, Observation, PixelBounds, Usage, WorkRange
from sightline.ports import (
    Amount,
    BudgetEvent,
    BudgetState,
    CallHistory,
    ClassificationRow,
    DeadLetterRow,
    EmbeddingRow,
    Limits,
    Provenance,
    ResultRow,
    RunCost,
)
from sightline.schema import CLASSIFICATIONS, DEAD_LETTERS, Ledger, embeddings_ledger
from sightline.tasks import TaskSpec

Columns = dict[str, Any]
"""The values of a row, by column."""

IDENTITY = (
    "observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri", "latitude", "longitude",
    "capture_time",
)  # fmt: skip
"""The columns about an image in every table of results, in this order."""

BBOX = tuple(field.name for field in fields(PixelBounds))
POSE = tuple(field.name for field in fields(CameraPose))
"""The fields of an observation's nested columns."""

AnswersByTask = Mapping[str, Mapping[str, object]]


def ledger_of(row: ResultRow) -> Ledger:
    """Return the ledger that a row belongs to."""
    if isinstance(row, ClassificationRow):
        return CLASSIFICATIONS
    return _vectors_of(row.part) if isinstance(row, EmbeddingRow) else DEAD_LETTERS


@lru_cache
def _vectors_of(part: EmbeddingPart) -> Ledger:
    return embeddings_ledger(part.model, part.dimension)


def columns_of(row: ResultRow) -> Columns:
    """Return the values of a row for its ledger.

    Raises:
        ValueError: the length of a vector differs from its part's dimension.
    """
    if isinstance(row, ClassificationRow):
        return _classification(row)
    return _embedding(row) if isinstance(row, EmbeddingRow) else _dead_letter(row)


def _classification(row: ClassificationRow) -> Columns:
    return {
        **_identity(row.observation),
        "part_key": row.part_key,
        "subject_id": row.subject_id,
        "observation_id": None if row.by_asset else row.observation.observation_id,
        "task": row.part.task,
        "fingerprint": row.part.fingerprint,
        "model": row.part.model,
        "answer": row.answer_json,
        "finish_reason": row.finish_reason,
        **_provenance(row.provenance),
    }


def _embedding(row: EmbeddingRow) -> Columns:
    if len(row.vector) != row.part.dimension:
        raise ValueError(f"{len(row.vector)} dimensions, not {row.part.dimension}")
    return {
        **_identity(row.observation),
        "part_key": row.part_key,
        "subject_id": row.subject_id,
        "model": row.part.model,
        "dimension": row.part.dimension,
        "embedding": row.vector,
        **_provenance(row.provenance),
    }


def _identity(observation: Observation) -> Columns:
    return {name: getattr(observation, name) for name in IDENTITY}


def _usage(usage: Usage) -> Columns:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd_micros": usage.cost_usd_micros,
    }


def _provenance(provenance: Provenance) -> Columns:
    return {
        **_usage(provenance.usage),
        "latency_ms": provenance.latency_ms,
        "attempt": provenance.attempt,
        "run_id": provenance.run_id,
        "worker_id": provenance.worker_id,
        "written_at": provenance.written_at,
    }


def _dead_letter(row: DeadLetterRow) -> Columns:
    return {
        "event_id": row.event_id,
        "part_key": row.part_key,
        "message_id": row.message_id,
        "run_id": row.run_id,
        "subject_id": row.subject_id,
        "event": row.event,
        "reason": row.reason.value,
        "detail": row.detail,
        "delivery_attempt": row.delivery_attempt,
        **_usage(row.usage),
        "body": row.body,
        "worker_id": row.worker_id,
        "at": row.at,
    }


LETTER_COLUMNS = """event_id, COALESCE(part_key, ''), COALESCE(message_id, ''),
  COALESCE(run_id, ''), COALESCE(subject_id, ''), event, reason, COALESCE(detail, ''),
  COALESCE(delivery_attempt, 0), COALESCE(input_tokens, 0), COALESCE(output_tokens, 0),
  COALESCE(cost_usd_micros, 0), COALESCE(body, ''), COALESCE(worker_id, '')"""
"""All columns of a dead letter except its time."""


def dead_letter(row: Sequence[Any], at: datetime) -> DeadLetterRow:
    """Return the event whose row begins with ``LETTER_COLUMNS``."""
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


def range_published(work_range: WorkRange, now: datetime) -> Columns:
    """Return the row of ``run_events`` that records a range as published."""
    return {
        "run_id": work_range.run_id,
        "event": "range_published",
        "bucket": work_range.bucket,
        "start": work_range.start,
        "stop": work_range.stop,
        "at": now,
    }


def run_cancelled(run_id: str, now: datetime) -> Columns:
    """Return the row of ``run_events`` that records a run as cancelled."""
    return {"run_id": run_id, "event": "cancelled", "at": now}


def task_version(
    task: TaskSpec, active: tuple[str, datetime] | None, now: datetime
) -> Columns | None:
    """Return the row of ``task_versions`` that makes a task the active one of its name.

    ``active`` is the active fingerprint, and since when; return ``None`` if it is this task's.

    Raises:
        ConfigurationError: the task has no model yet, or was not read from a file.
    """
    if not task.model or not task.toml:
        raise ConfigurationError(f"task {task.name} has no model or file; load and resolve it")
    if active is not None and active[0] == task.fingerprint:
        return None
    return {
        "task": task.name,
        "fingerprint": task.fingerprint,
        "model": task.model,
        "toml": task.toml,
        # Later than the event that it replaces, whatever the clock says.
        "at": max(now, active[1] + timedelta(microseconds=1)) if active else now,
    }


def budget_event(event: BudgetEvent) -> Columns:
    """Return the row of an event of ``budget_events``."""
    return {**asdict(event), "event": event.event.value, "worker_id": event.worker_id or None}


BUDGET_COLUMNS = """run_id, max_cost_usd_micros, max_images, reserved_cost_usd_micros,
  reserved_images, reached"""
"""All columns of a row of ``budgets_current`` except the time of the last event."""


def budget_state(row: Sequence[Any], last_event_at: datetime) -> BudgetState:
    """Return the budget whose row begins with ``BUDGET_COLUMNS``."""
    run_id, most_cost, most_images, cost, images, reached = row[:6]
    reserved = Amount(int(cost), int(images))
    return BudgetState(run_id, Limits(most_cost, most_images), reserved, reached, last_event_at)


def run_cost(sums: Iterable[Any]) -> RunCost:
    """Return the cost of a run from its sums, which are null without rows."""
    return RunCost(*(int(total or 0) for total in sums))


CALL_COLUMNS = """COUNT(*), AVG(input_tokens), AVG(output_tokens), AVG(cost_usd_micros),
  MAX(cost_usd_micros)"""


def call_history(row: Sequence[Any]) -> CallHistory:
    """Return the call costs in a row of ``CALL_COLUMNS``; sums over no calls are null."""
    calls, tokens_in, tokens_out, cost, most = row
    return CallHistory(calls, tokens_in or 0.0, tokens_out or 0.0, cost or 0.0, int(most or 0))


def answers_of_images(
    rows: Iterable[Sequence[Any]], images: Iterable[tuple[str, str]]
) -> list[AnswersByTask]:
    """Return the current answers about each image by task, including those about its asset.

    ``rows`` are subject, whether it is an asset, task and answer; ``images`` are the ids of an
    observation and of its asset.
    """
    by_subject: dict[tuple[str, bool], dict[str, Mapping[str, object]]] = {}
    for subject_id, by_asset, task, answer in rows:
        by_subject.setdefault((subject_id, by_asset), {})[task] = orjson.loads(answer)
    return [
        {**by_subject.get((asset_id, True), {}), **by_subject.get((observation_id, False), {})}
        for observation_id, asset_id in images
    ]
