"""Opens the exporters in the settings: an endpoint for Prometheus, a sender to a collector, or
both.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import export as otel
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from prometheus_client import CollectorRegistry

from sightline import __version__
from sightline.http_client.hosts import parse_names
from sightline.ports import Engine
from sightline.redaction import SECRETS
from sightline.settings import Settings
from worker.telemetry.calls import CallRecords
from worker.telemetry.histogram import Histogram
from worker.telemetry.metrics import HISTOGRAMS, NUMBERS, Attributes, Metric, Watched
from worker.telemetry.probe import LOOK_EVERY_S, Probe
from worker.telemetry.readers import OtlpExporter, OtlpReader, PrometheusReader, WithHistograms
from worker.telemetry.serving import serving_metrics
from worker.worker_status import Kind, WorkerStatus

log = logging.getLogger(__name__)

STOP_S = 2.0
"""How long a stop waits for the last export, in seconds."""

METRICS_PATH = "/v1/metrics"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Metrics of one worker: its ``meters`` record calls, ``watch`` runs beside it."""

    meters: Mapping[Kind, CallRecords]
    probe: Probe
    prometheus_url: str | None
    readers: Sequence[WithHistograms] = ()

    async def watch(self, status: WorkerStatus, engine: Engine) -> None:
        """Sample the worker until cancelled.

        Raises:
            Exception: a reader failed in its thread, and may export nothing more.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self.probe.run(status, engine.backlog))
            group.create_task(self._watch_readers())

    async def _watch_readers(self) -> None:
        while True:
            for reader in self.readers:
                if reader.failure is not None:
                    raise reader.failure
            await asyncio.sleep(LOOK_EVERY_S)


@contextmanager
def open_telemetry(settings: Settings, *, worker_id: str) -> Iterator[Telemetry]:
    """Open the exporters of ``settings.telemetry``; export the last values on exit.

    Raises:
        ConfigurationError: the endpoint cannot be opened.
    """
    own = settings.telemetry
    calls: Mapping[Kind, CallRecords] = {"classify": CallRecords(), "embed": CallRecords()}
    watched = Watched(Probe(monotonic=time.monotonic), calls, _models(settings), _queue(settings))
    histograms = _Histograms(watched)
    readers: list[WithHistograms] = []
    with ExitStack() as opened:
        url = None
        if own.prometheus_port is not None:
            registry = CollectorRegistry()
            prometheus = PrometheusReader(scope_info_enabled=False, registry=registry)
            prometheus.histograms = histograms
            readers.append(prometheus)
            url = opened.enter_context(
                serving_metrics(
                    own.prometheus_host,
                    own.prometheus_port,
                    registry,
                    names=parse_names(own.host_names),
                )
            )
        if own.otlp_endpoint:
            sender = OtlpReader(OtlpExporter(metrics_url(own.otlp_endpoint)))
            sender.histograms = histograms
            readers.append(sender)
        opened.enter_context(_provider(readers, _resource(worker_id), watched))
        yield Telemetry(calls, watched.probe, url, readers)


@contextmanager
def _provider(
    readers: Sequence[otel.MetricReader], resource: Resource, watched: Watched
) -> Iterator[None]:
    provider = MeterProvider(readers, resource, shutdown_on_exit=False)
    meter = provider.get_meter("sightline", __version__)
    for metric in NUMBERS:
        _observe(meter, metric, watched)
    try:
        yield
    finally:
        try:
            provider.shutdown(timeout_millis=STOP_S * 1000)
        except Exception as error:  # noqa: BLE001 - the SDK raises bare exceptions; the work is done
            log.warning("the last metrics were not exported: %s", error)


def _observe(meter: Meter, metric: Metric[float], watched: Watched) -> None:
    def callback(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, attributes) for value, attributes in metric.read(watched)]

    create = {
        "counter": meter.create_observable_counter,
        "updown": meter.create_observable_up_down_counter,
        "gauge": meter.create_observable_gauge,
    }[metric.kind]
    create(metric.name, [callback], metric.unit, metric.description)


class _Histograms:
    """The histograms at the time of the call, in OpenTelemetry's form."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._since_ns = time.time_ns()

    def __call__(self) -> list[otel.Metric]:
        metrics = []
        for metric in HISTOGRAMS:
            read = metric.read(self._watched)
            points = [
                self._point(histogram, attributes)
                for histogram, attributes in read
                if histogram.count
            ]
            if points:
                data = otel.Histogram(points, otel.AggregationTemporality.CUMULATIVE)
                metrics.append(otel.Metric(metric.name, metric.description, metric.unit, data))
        return metrics

    def _point(self, histogram: Histogram, attributes: Attributes) -> otel.HistogramDataPoint:
        counts = tuple(histogram.counts)
        return otel.HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=self._since_ns,
            time_unix_nano=time.time_ns(),
            count=sum(counts),
            sum=histogram.total,
            bucket_counts=counts,
            explicit_bounds=histogram.bounds,
            min=histogram.least,
            max=histogram.most,
        )


def metrics_url(endpoint: str) -> str:
    """Return the URL that metrics are sent to: a collector's base URL plus the protocol's path."""
    base = endpoint.rstrip("/")
    return base if base.endswith(METRICS_PATH) else base + METRICS_PATH


def _resource(worker_id: str) -> Resource:
    """Return the resource of these metrics; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win."""
    own = Resource(
        {
            "service.name": "sightline-worker",
            "service.version": __version__,
            "service.instance.id": worker_id,
        }
    )
    merged = own.merge(OTELResourceDetector().detect())
    return Resource(
        {
            name: SECRETS.hide(value) if isinstance(value, str) else value
            for name, value in merged.attributes.items()
        },
        merged.schema_url,
    )


_PROVIDERS = {"vertex": "gcp.vertex_ai", "gemini": "gcp.gemini", "openai": "openai"}


def _models(settings: Settings) -> Mapping[Kind, Attributes]:
    """Return the attributes that the conventions require for each model."""
    answers, embeds = settings.adapter("classify"), settings.adapter("embed")
    return {
        "classify": {
            "gen_ai.operation.name": "chat" if answers == "openai" else "generate_content",
            "gen_ai.provider.name": _PROVIDERS.get(answers, "sightline"),
            "gen_ai.request.model": settings.models.classify,
        },
        "embed": {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": _PROVIDERS.get(embeds, "sightline"),
            "gen_ai.request.model": settings.models.embed,
        },
    }


def _queue(settings: Settings) -> Attributes:
    if settings.adapter("queue") == "pubsub":
        return {
            "messaging.system": "gcp_pubsub",
            "messaging.destination.subscription.name": settings.pubsub.subscription,
        }
    return {"messaging.system": "sqlite"}
