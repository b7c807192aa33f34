"""Defines the ledgers once, as data; each engine's tables are derived from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["STRING", "INT64", "FLOAT64", "FLOAT32", "BOOL", "TIMESTAMP", "JSON"]
"""BigQuery's types, and FLOAT32: FLOAT64 in BigQuery, 32 bits elsewhere."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its BigQuery type, whether it may be null, and its meaning."""

    name: str
    type: ColumnType
    description: str
    required: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """An append-only table. ``partition_by`` is the TIMESTAMP column whose date partitions it."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    key: tuple[str, ...] = field(default=())

    def column_names(self) -> tuple[str, ...]:
        """Return the names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def _identity() -> tuple[Column, ...]:
    return (
        Column("part_key", "STRING", "SHA-256 that names the part", required=True),
        Column("subject_id", "STRING", "Observation id, or asset id of an asset's task", True),
        Column("observation_id", "STRING", "The image; null when the subject is an asset"),
        Column("asset_id", "STRING", "The physical thing"),
        Column("snapshot_id", "STRING", "The delivery of the dataset"),
        Column("asset_type", "STRING", "ASSET_CLASS_..."),
        Column("gcs_uri", "STRING", "Where the image was"),
        Column("latitude", "FLOAT64", "WGS 84 degrees"),
        Column("longitude", "FLOAT64", "WGS 84 degrees"),
        Column("capture_time", "TIMESTAMP", "When the image was taken"),
    )


def _provenance() -> tuple[Column, ...]:
    return (
        Column("input_tokens", "INT64", "Tokens sent, as the model counted them"),
        Column("output_tokens", "INT64", "Tokens answered"),
        Column("cost_usd_micros", "INT64", "Cost in millionths of a US dollar"),
        Column("latency_ms", "INT64", "The call, from permit to answer"),
        Column("attempt", "INT64", "Which delivery of the message this was, from 1"),
        Column("run_id", "STRING", "The run that asked", required=True),
        Column("worker_id", "STRING", "The worker that wrote", required=True),
        Column("written_at", "TIMESTAMP", "When the row was written", required=True),
    )


CLASSIFICATIONS = Ledger(
    "classifications",
    "One row for each answer of a task",
    (
        *_identity(),
        Column("task", "STRING", "The task's name", required=True),
        Column("fingerprint", "STRING", "SHA-256 of what changes the answer", required=True),
        Column("model", "STRING", "The model that answered", required=True),
        Column("answer", "JSON", "The answer, valid under the task's schema", required=True),
        Column("finish_reason", "STRING", "As the model said it"),
        *_provenance(),
    ),
    partition_by="written_at",
    cluster_by=("task", "asset_type"),
    key=("part_key",),
)


def embeddings_table(model: str, dimension: int) -> str:
    """Return the name of the table of one model's vectors of one dimension."""
    slug = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")
    return f"embeddings_{slug}_{dimension}"


def embeddings_ledger(model: str, dimension: int) -> Ledger:
    """Return the ledger of one model's vectors of one dimension."""
    return Ledger(
        embeddings_table(model, dimension),
        f"Embeddings by {model}, {dimension} dimensions, unit length",
        (
            *_identity(),
            Column("model", "STRING", "The model that embedded", required=True),
            Column("dimension", "INT64", "Length of the vector", required=True),
            Column("embedding", "FLOAT32", "The vector", repeated=True),
            *_provenance(),
        ),
        partition_by="written_at",
        cluster_by=("asset_type",),
        key=("part_key",),
    )


OBSERVATIONS = Ledger(
    "observations",
    "Every source row that was ever enqueued, since the source expires",
    (
        Column("observation_id", "STRING", "The image", required=True),
        Column("asset_id", "STRING", "The physical thing"),
        Column("snapshot_id", "STRING", "The delivery of the dataset"),
        Column("asset_type", "STRING", "ASSET_CLASS_..."),
        Column("gcs_uri", "STRING", "Where the image was", required=True),
        Column("latitude", "FLOAT64", "WGS 84 degrees"),
        Column("longitude", "FLOAT64", "WGS 84 degrees"),
        Column("capture_time", "TIMESTAMP", "When the image was taken"),
        Column("detection_time", "TIMESTAMP", "When the asset was found in it"),
        Column("bbox", "JSON", "Pixel bounds x_min, y_min, x_max, y_max"),
        Column("camera_pose", "JSON", "latitude, longitude, altitude, pitch, heading, roll"),
        Column("map_url", "STRING", "A link to the place"),
        Column("run_id", "STRING", "The first run that enqueued it"),
        Column("written_at", "TIMESTAMP", "When this row was written", required=True),
    ),
    partition_by="written_at",
    cluster_by=("asset_type",),
    key=("observation_id",),
)

DEAD_LETTERS = Ledger(
    "dead_letters",
    "Events in the life of a dead letter: dead, replayed, purged",
    (
        Column("event_id", "STRING", "Identity of the event", required=True),
        Column("part_key", "STRING", "The part; of a message that cannot be read, its own key"),
        Column("message_id", "STRING", "The message that carried it"),
        Column("run_id", "STRING", "The run that asked"),
        Column("subject_id", "STRING", "Observation or asset"),
        Column("event", "STRING", "dead, replayed or purged", required=True),
        Column("reason", "STRING", "One of the closed list", required=True),
        Column("detail", "STRING", "What was seen"),
        Column("delivery_attempt", "INT64", "Which delivery of the message this was"),
        Column("input_tokens", "INT64", "Tokens spent all the same"),
        Column("output_tokens", "INT64", "Tokens spent all the same"),
        Column("cost_usd_micros", "INT64", "Money spent all the same"),
        Column("body", "STRING", "The message with only this part, or, unreadable, its base64"),
        Column("worker_id", "STRING", "Who wrote the event"),
        Column("at", "TIMESTAMP", "When", required=True),
    ),
    partition_by="at",
    cluster_by=("event", "reason"),
    key=("event_id",),
)

RUNS = Ledger(
    "runs",
    "What was asked for",
    (
        Column("run_id", "STRING", "The run", required=True),
        Column("request", "JSON", "Filter, parts, options", required=True),
        Column("messages", "INT64", "Items in the work list", required=True),
        Column("parts", "INT64", "Parts in the work list", required=True),
        Column("created_at", "TIMESTAMP", "When", required=True),
    ),
    partition_by="created_at",
    key=("run_id",),
)

RUN_EVENTS = Ledger(
    "run_events",
    "What happened since: range_published, published, cancelled",
    (
        Column("run_id", "STRING", "The run", required=True),
        Column("event", "STRING", "What happened", required=True),
        Column("bucket", "INT64", "Of a range: its bucket"),
        Column("start", "INT64", "Of a range: its first item"),
        Column("stop", "INT64", "Of a range: one past its last item"),
        Column("at", "TIMESTAMP", "When", required=True),
    ),
    partition_by="at",
    cluster_by=("run_id",),
)

WORK_ITEMS = Ledger(
    "work_items",
    "A run's work list, in hashed, numbered buckets",
    (
        Column("run_id", "STRING", "The run", required=True),
        Column("bucket", "INT64", "Hash of the subject", required=True),
        Column("seq", "INT64", "Number in the bucket, from 0", required=True),
        Column("subject_id", "STRING", "Observation or asset", required=True),
        Column("asset_type", "STRING", "ASSET_CLASS_..."),
        Column("observations", "JSON", "The source rows, as in the message", required=True),
        Column("parts", "JSON", "The requested parts, as in the message", required=True),
        Column("part_keys", "STRING", "The parts' keys, in the same order", repeated=True),
    ),
    cluster_by=("run_id", "bucket"),
)

TASK_VERSIONS = Ledger(
    "task_versions",
    "Every task at every fingerprint, and which one is active (the last event wins)",
    (
        Column("task", "STRING", "The task's name", required=True),
        Column("fingerprint", "STRING", "SHA-256 of what changes the answer", required=True),
        Column("model", "STRING", "The model it is resolved to", required=True),
        Column("toml", "STRING", "The task file", required=True),
        Column("at", "TIMESTAMP", "When it was used or made active", required=True),
    ),
    key=("task", "fingerprint"),
)

BUDGET_EVENTS = Ledger(
    "budget_events",
    "Budgets of runs: set, reserved in slices by workers, released, reached",
    (
        Column(
            "event_id", "STRING", "Identity of the event; of two alike the earlier counts", True
        ),
        Column("run_id", "STRING", "The run", required=True),
        Column("event", "STRING", "set, reserved, released or reached", required=True),
        Column("worker_id", "STRING", "The worker whose slice it is; null when a person asked"),
        Column("cost_usd_micros", "INT64", "Money, in millionths of a US dollar; null is no limit"),
        Column("images", "INT64", "Images; null is no limit"),
        Column("at", "TIMESTAMP", "When", required=True),
    ),
    partition_by="at",
    cluster_by=("run_id",),
)

LEDGERS: tuple[Ledger, ...] = (
    CLASSIFICATIONS,
    OBSERVATIONS,
    DEAD_LETTERS,
    RUNS,
    RUN_EVENTS,
    WORK_ITEMS,
    TASK_VERSIONS,
    BUDGET_EVENTS,
)
"""All ledgers with fixed names; each model's embeddings have one more (``embeddings_ledger``)."""
