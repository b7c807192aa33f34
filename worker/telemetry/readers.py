"""OpenTelemetry's readers, with our own histograms beside what its instruments give."""

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
    """Adds histograms that were not recorded through an instrument, which takes 10 µs a value."""

    histograms: Histograms = staticmethod(tuple)
    failure: Exception | None = None
    """What nobody foresaw: the library's thread may have ended with it, in silence."""

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
    """Is read by a scrape."""


class OtlpReader(WithHistograms, PeriodicExportingMetricReader):
    """Sends to a collector, every minute or as OTEL_METRIC_EXPORT_INTERVAL says."""


class OtlpExporter(OTLPMetricExporter):
    """Warns once when the collector is out of reach, and once it is back; never more.

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
        """Send; what goes wrong is logged, and the next interval sends again."""
        with self._said:
            result = super().export(metrics_data, timeout_millis=timeout_millis, **others)
        down = result is not MetricExportResult.SUCCESS
        if down and not self._down:
            why = one_line(_innermost(self._said.text))
            log.warning("metrics do not reach %s, the work goes on: %s", self._where, why)
        elif self._down and not down:
            log.warning("metrics reach %s again", self._where)
        self._down = down
        return result


def _innermost(text: str) -> str:
    """Return what the system said, out of what each library around it made of that."""
    match = re.search(r"\[Errno [^\"')]+", text)
    return match[0] if match else text


class _LastSaid(logging.Handler):
    """Keeps the library's log lines to itself meanwhile, and remembers the first."""

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
