"""Settings: read once, into one frozen object. Standard library only, since infra imports it."""

from sightline.settings.loading import CONFIG_FILE, as_environment, describe, load_settings
from sightline.settings.sections import (
    AdapterSettings,
    BigQuerySettings,
    GcpSettings,
    GcsSettings,
    GeminiSettings,
    ImageSettings,
    LimitSettings,
    ModelSettings,
    OpenAiSettings,
    ProducerSettings,
    PubSubSettings,
    QueueSettings,
    Settings,
    TelemetrySettings,
    VertexSettings,
    WorkerSettings,
)

__all__ = [
    "CONFIG_FILE",
    "AdapterSettings",
    "BigQuerySettings",
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
    "TelemetrySettings",
    "VertexSettings",
    "WorkerSettings",
    "as_environment",
    "describe",
    "load_settings",
]
