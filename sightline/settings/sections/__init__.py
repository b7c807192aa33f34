"""All settings: the general ones, and the sections with theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from sightline.settings.fields import STRICT
from sightline.settings.sections.gallery import GallerySettings
from sightline.settings.sections.google import (
    BatchSettings,
    BigQuerySettings,
    GcpSettings,
    GcsSettings,
    PubSubSettings,
    SqlSettings,
)
from sightline.settings.sections.models import (
    AdapterSettings,
    GeminiSettings,
    LimitSettings,
    ModelSettings,
    OpenAiSettings,
    VertexSettings,
)
from sightline.settings.sections.telemetry import TelemetrySettings
from sightline.settings.sections.worker import (
    ImageSettings,
    ProducerSettings,
    QueueSettings,
    WorkerSettings,
)


@dataclass(frozen=True, slots=True, config=STRICT)
class Settings:
    """All settings. Relative paths in a settings file are relative to that file."""

    engine: Literal["local", "gcp", "bigquery", "batch"] = Field(
        default="local",
        description="the set of adapters: `local`, `gcp` for Google Cloud, or, for Google Cloud"
        " without workers, `bigquery` (BigQuery asks the models) or `batch` (jobs of batch"
        " prediction ask them)",
    )
    home: Path = Field(
        default=Path(".sightline"),
        description="where the local engine keeps source, queue and warehouse; in the current"
        " folder",
    )
    tasks_dir: Path | None = Field(
        default=None, description="a folder of tasks of your own, beside the shipped ones"
    )
    prices: Path | None = Field(
        default=None,
        description="a TOML file with prices of models, which take precedence over the shipped"
        " ones",
    )
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
    gallery: GallerySettings = field(default_factory=GallerySettings)

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

__all__ = [
    "AdapterSettings",
    "BatchSettings",
    "BigQuerySettings",
    "GallerySettings",
    "GcpSettings",
    "GcsSettings",
    "GeminiSettings",
    "ImageSettings",
    "LimitSettings",
    "ModelSettings",
    "OpenAiSettings",
    "ProducerSettings",
    "PubSubSettings",
    "QueueSettings",
    "Settings",
    "SqlSettings",
    "TelemetrySettings",
    "VertexSettings",
    "WorkerSettings",
]
