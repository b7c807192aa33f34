"""The sections of the settings, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which models are asked. Their names stand in part keys and in every row.

    Of a response no more than ``max_response_bytes`` are read, on the wire and decompressed.
    """

    classify: str = "demo-1"
    embed: str = "demo-1"
    embed_dimension: int = 256
    inference_threads: int = 1
    batch_size: int = 16
    max_response_bytes: int = 4_000_000


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Bounds on the calls to one model; ``rate_per_s`` 0 means no configured ceiling.

    ``adaptive``: under these bounds the rate follows the quota that the model shows.
    """

    in_flight: int = 64
    rate_per_s: float = 0.0
    adaptive: bool = True


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker leases, writes and stops. Times are in seconds."""

    max_outstanding: int = 4096
    prefetch: int = 128
    lease_s: float = 30.0
    max_lease_s: float = 3600.0
    idle_poll_s: float = 0.2
    flush_rows: int = 4000
    flush_s: float = 2.0
    grace_s: float = 8.0
    drain_idle_s: float = 2.0
    drain_missing_s: float = 180.0
    cancel_poll_s: float = 2.0
    call_timeout_s: float = 120.0
    max_attempts: int = 10
    tries_per_lease: int = 3
    backoff_s: float = 0.5
    max_backoff_s: float = 60.0
    retry_budget: float = 0.2
    systemic_failures: int = 50
    systemic_hold_s: float = 20.0
    heartbeat_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """How a run is cut up: buckets by hash, ranges of items, one publish a range."""

    buckets: int = 16
    range_items: int = 5000


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Which images may be sent to a model, and how large they may be.

    ``roots`` are folders of this machine, besides those that `sightline import` was given; without
    ``buckets`` those of the observations that were enqueued are meant. ``files_from_pubsub``:
    messages of Pub/Sub may name files.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 100_000_000
    roots: tuple[Path, ...] = ()
    buckets: tuple[str, ...] = ()
    files_from_pubsub: bool = False


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The queue's own limit, a backstop far above the worker's."""

    backstop_attempts: int = 100


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """What is behind each port; ``engine`` is what the engine's name says."""

    queue: Literal["engine", "local", "pubsub", "work_list"] = "engine"
    warehouse: Literal["engine", "local", "bigquery"] = "engine"
    classify: Literal["engine", "local", "vertex", "gemini", "openai"] = "engine"
    embed: Literal["engine", "local", "vertex", "gemini"] = "engine"


@dataclass(frozen=True, slots=True)
class GcpSettings:
    """The project, and as whom it is used: ``impersonate`` is a service account's address."""

    project: str = ""
    impersonate: str = ""


@dataclass(frozen=True, slots=True)
class BigQuerySettings:
    """The dataset of the ledgers, and the table of the observations with its columns' names."""

    dataset: str = "sightline"
    location: str = "US"
    source: str = ""
    layout: Literal[
        "latest_observations",
        "all_observations",
        "cropped_observations_latest",
        "cropped_observations_all",
        "full_frame_observations_latest",
        "full_frame_observations_all",
        "pano_observations_latest",
        "pano_observations_all",
    ] = "latest_observations"
    columns: Mapping[str, str] = field(default_factory=dict)
    max_gb_billed: float = 100.0
    endpoint: str = ""
    storage_endpoint: str = ""
    hub_endpoint: str = ""


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """How BigQuery itself asks models; an empty ``models_dataset`` is named after the dataset."""

    connection: str = ""
    models_dataset: str = ""
    object_table: str = ""
    answers: Literal["AI.GENERATE_TEXT", "AI.GENERATE", "ML.GENERATE_TEXT"] = "AI.GENERATE_TEXT"
    embeddings: Literal["AI.GENERATE_EMBEDDING", "ML.GENERATE_EMBEDDING"] = "AI.GENERATE_EMBEDDING"
    parts_a_statement: int = 10_000
    look_every_s: float = 2.0


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Jobs of batch prediction; an empty ``bucket`` is a folder of ``gcs.bucket``."""

    bucket: str = ""
    requests_a_job: int = 20_000
    look_every_s: float = 30.0


@dataclass(frozen=True, slots=True)
class PubSubSettings:
    """The topic and the subscriptions, by their short names."""

    topic: str = "sightline-work"
    subscription: str = "sightline-work"
    dead_letter_topic: str = "sightline-work-abandoned"
    dead_letter_subscription: str = "sightline-work-abandoned"
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class VertexSettings:
    """Where the models are asked; an empty ``embed_location`` means the same location."""

    location: str = "global"
    embed_location: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class GeminiSettings:
    """The Gemini API that takes a key; the key is read from this environment variable."""

    api_key_env: str = "GEMINI_API_KEY"
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class OpenAiSettings:
    """A service that speaks OpenAI's chat completions; its key, if any, is in this variable."""

    endpoint: str = "http://127.0.0.1:8000/v1"
    api_key_env: str = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True)
class GcsSettings:
    """The bucket of the images."""

    bucket: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Where a worker's metrics go, which is nowhere without a port or an endpoint; and its log.

    ``prometheus_hosts`` are names, with commas between them, by which the endpoint is asked too.
    """

    prometheus_port: int | None = None
    prometheus_host: str = "127.0.0.1"
    prometheus_hosts: str = ""
    otlp_endpoint: str = ""
    log_format: Literal["text", "json"] = "text"

    @property
    def host_names(self) -> list[str]:
        """The names in ``prometheus_hosts``."""
        return [name.strip() for name in self.prometheus_hosts.split(",") if name.strip()]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Relative paths in a settings file are relative to that file."""

    engine: Literal["local", "gcp", "bigquery", "batch"] = "local"
    home: Path = Path(".sightline")
    tasks_dir: Path | None = None
    prices: Path | None = None
    adapters: AdapterSettings = field(default_factory=AdapterSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    classify_limit: LimitSettings = field(default_factory=LimitSettings)
    embed_limit: LimitSettings = field(default_factory=LimitSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    producer: ProducerSettings = field(default_factory=ProducerSettings)
    images: ImageSettings = field(default_factory=ImageSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    gcp: GcpSettings = field(default_factory=GcpSettings)
    bigquery: BigQuerySettings = field(default_factory=BigQuerySettings)
    sql: SqlSettings = field(default_factory=SqlSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    pubsub: PubSubSettings = field(default_factory=PubSubSettings)
    vertex: VertexSettings = field(default_factory=VertexSettings)
    gemini: GeminiSettings = field(default_factory=GeminiSettings)
    openai: OpenAiSettings = field(default_factory=OpenAiSettings)
    gcs: GcsSettings = field(default_factory=GcsSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    def adapter(self, port: Literal["queue", "warehouse", "classify", "embed"]) -> str:
        """Return the name of the adapter behind a port."""
        named: str = getattr(self.adapters, port)
        return named if named != "engine" else _OF_ENGINE[self.engine][port]


_WITHOUT_WORKERS = {
    "queue": "work_list",
    "warehouse": "bigquery",
    "classify": "vertex",
    "embed": "vertex",
}
_OF_ENGINE: Mapping[str, Mapping[str, str]] = {
    "local": {"queue": "local", "warehouse": "local", "classify": "local", "embed": "local"},
    "gcp": {"queue": "pubsub", "warehouse": "bigquery", "classify": "vertex", "embed": "vertex"},
    "bigquery": _WITHOUT_WORKERS,
    "batch": _WITHOUT_WORKERS,
}
