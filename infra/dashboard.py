"""The dashboard: backlog and its age, throughput, failures, costs.

The queue's metrics are Pub/Sub's. The workers' metrics have Prometheus names, and come from GKE's
collection or from the collector beside each worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.stack import Stack

COLUMNS = 12
WIDTH, HEIGHT = 6, 4
PERIOD = "60s"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a metric of Pub/Sub's subscription, or a query of the workers' metrics."""

    title: str
    unit: str
    pubsub: str = ""
    aligner: str = "ALIGN_MEAN"
    query: str = ""
    of: str = "work"


CHARTS: tuple[Chart, ...] = (
    Chart("Backlog", "messages", pubsub="num_undelivered_messages"),
    Chart("Oldest message not settled", "seconds", pubsub="oldest_unacked_message_age"),
    Chart("Messages settled", "a second", pubsub="ack_message_count", aligner="ALIGN_RATE"),
    Chart(
        "Rate found by the limiters", "calls per second",
        query="sum by (sightline_limiter) (sightline_limiter_rate_per_second)",
    ),
    Chart(
        "Share of calls answered 429", "share",
        query="max by (sightline_limiter) (sightline_limiter_refused_share or"
        " sightline_limiter_refused_share_ratio)",
    ),
    Chart(
        "Dead letters by reason", "parts per hour",
        query="sum by (sightline_reason) (increase(sightline_dead_letters_total[1h]))",
    ),
    Chart(
        "Rows written", "a second",
        query="sum by (sightline_ledger) (rate(sightline_rows_written_total[5m]))",
    ),
    Chart("Cost", "US dollars per hour", query="sum(increase(sightline_cost_total[1h]))"),
    Chart(
        "In the dead-letter topic, not collected yet", "messages",
        pubsub="num_undelivered_messages", of="abandoned",
    ),
)  # fmt: skip


def dashboard(stack: Stack) -> Mapping[str, Any]:
    """Return the dashboard in the form of Cloud Monitoring's API."""
    tiles = [
        {
            "xPos": index * WIDTH % COLUMNS,
            "yPos": index * WIDTH // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "widget": _widget(stack, chart),
        }
        for index, chart in enumerate(CHARTS)
    ]
    return {
        "displayName": stack.names.of(),
        "labels": dict(stack.labels),
        "mosaicLayout": {"columns": COLUMNS, "tiles": tiles},
    }


def _widget(stack: Stack, chart: Chart) -> Mapping[str, Any]:
    query = {"prometheusQuery": chart.query} if chart.query else _of_queue(stack, chart)
    return {
        "title": chart.title,
        "xyChart": {
            "dataSets": [{"plotType": "LINE", "timeSeriesQuery": query}],
            "yAxis": {"label": chart.unit, "scale": "LINEAR"},
        },
    }


def _of_queue(stack: Stack, chart: Chart) -> Mapping[str, Any]:
    where = (
        f'metric.type="pubsub.googleapis.com/subscription/{chart.pubsub}"'
        ' resource.type="pubsub_subscription"'
        f' resource.label."subscription_id"="{stack.names.of(chart.of)}"'
    )
    aggregation = {"alignmentPeriod": PERIOD, "perSeriesAligner": chart.aligner}
    return {"timeSeriesFilter": {"filter": where, "aggregation": aggregation}}
