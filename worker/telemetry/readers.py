"""OpenTelemetry's readers, which add our own histograms to those of its instruments."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import (
    Metric,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)

from sightline.http_client.redaction import one_line

log = logging.getLogger(__name__)

Histograms = Callable[[], Sequence[Metric]]


class WithHistograms(MetricReader):
    """Adds histograms that were recorded without an instrument, which takes 10 µs a value."""

    histograms: Histograms = staticmethod(tuple)
    failure: Exception | None = None
    """An unexpected error, which may have ended the library's thread silently."""

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **others: Any
    ) -> None:
        try:
            whole = with_metrics(metrics_data, self.histograms())
            super()._receive_metrics(whole, timeout_millis=timeout_millis, **others)  # type: ignore[safe-super]  # of the reader beside
        except Exception as error:
            self.failure = error
            raise


def with_metrics(data: MetricsData, metrics: Sequence[Metric]) -> MetricsData:
    """Return the data with these metrics in its first scope."""
    if not (data.resource_metrics and data.resource_metrics[0].scope_metrics):
        return data
    first, *others = data.resource_metrics
    scope, *scopes = first.scope_metrics
    scope = replace(scope, metrics=[*scope.metrics, *metrics])
    return replace(data, resource_metrics=[replace(first, scope_metrics=[scope, *scopes]), *others])


class PrometheusReader(WithHistograms, PrometheusMetricReader):
    """The reader for Prometheus scrapes."""


class OtlpReader(WithHistograms, PeriodicExportingMetricReader):
    """Exports to a collector every minute, or at OTEL_METRIC_EXPORT_INTERVAL."""


class OtlpExporter(OTLPMetricExporter):
    """Warns once when the collector becomes unreachable, and once when it is reachable again.

    The library itself logs every try.
    """

    def __init__(self, url: str) -> None:
        self._said = _LastSaid()
        self._down = False
        super().__init__(endpoint=url)
        self._where = one_line(url)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **others: Any
    ) -> MetricExportResult:
        """Export; an error is logged, and the next interval tries again."""
        with self._said:
            result = super().export(metrics_data, timeout_millis=timeout_millis, **others)
        down = result is not MetricExportResult.SUCCESS
        if down and not self._down:
            why = one_line(_innermost(self._said.text))
            log.warning("metrics cannot be sent to %s, the work continues: %s", self._where, why)
        elif self._down and not down:
            log.warning("metrics are sent to %s again", self._where)
        self._down = down
        return result


def _innermost(text: str) -> str:
    """Return the operating system's error text from within the libraries' messages."""
    match = re.search(r"\[Errno [^\"')]+", text)
    return match[0] if match else text


class _LastSaid(logging.Handler):
    """Suppresses the library's log records within the block, and keeps the first."""

    LOGGER = logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def __enter__(self) -> None:
        self.text = ""
        self.LOGGER.addHandler(self)
        self.LOGGER.propagate = False

    def __exit__(self, *_: object) -> None:
        self.LOGGER.removeHandler(self)
        self.LOGGER.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        self.text = self.text or record.getMessage()
