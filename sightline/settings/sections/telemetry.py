"""Settings of a worker's metrics and log."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from sightline.settings.endpoints import CollectorUrl, HostNames, names_in
from sightline.settings.fields import STRICT


@dataclass(frozen=True, slots=True, config=STRICT)
class TelemetrySettings:
    """Where metrics go (nowhere without a port or an endpoint), and the form of the log."""

    prometheus_port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="serve metrics to Prometheus on this port; 0 takes a free port, and logs it",
    )
    prometheus_host: str = Field(
        default="127.0.0.1",
        description="the address to serve them on; `0.0.0.0` for other machines to read them",
    )
    prometheus_hosts: HostNames = Field(
        default="",
        description="further host names under which they may be requested, separated by"
        " commas: `worker,worker.lan:9464`",
    )
    otlp_endpoint: CollectorUrl = Field(
        default="",
        description="the base URL of an OpenTelemetry collector to send metrics to, such as"
        " `http://127.0.0.1:4318`; without credentials",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="`text`, or `json` for one JSON object a line"
    )

    @property
    def host_names(self) -> list[str]:
        """The names in ``prometheus_hosts``."""
        return names_in(self.prometheus_hosts)
