"""The dashboard and the alerts ask for metrics that there are; every alert has its runbook."""

from __future__ import annotations

import json
import re

from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from infra.dashboard import CHARTS, dashboard
from infra.recording import PROD, run
from infra.stack_reader import read_stack
from infra.watch import ALERTS
from tests.conftest import CHECKOUT
from worker.telemetry.metrics import LEDGER, LIMITER, NUMBERS, REASON
from worker.telemetry.readers import PrometheusReader

RUNBOOKS = CHECKOUT / "docs" / "runbooks"
NAME = re.compile(r"sightline_\w+")
BY_COLLECTOR = {"sightline_limiter_refused_share_ratio"}
"""What a collector calls a gauge without a unit."""


def exposed_names() -> set[str]:
    """Return the names under which a worker serves its metrics to Prometheus."""
    registry = CollectorRegistry()
    reader = PrometheusReader(scope_info_enabled=False, registry=registry)
    reader.histograms = list
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("sightline")
    makers = {
        "counter": meter.create_observable_counter,
        "updown": meter.create_observable_up_down_counter,
        "gauge": meter.create_observable_gauge,
    }
    for number in NUMBERS:
        makers[number.kind](
            number.name, [lambda _: [Observation(1)]], number.unit, number.description
        )
    text = generate_latest(registry).decode()
    provider.shutdown()
    return {
        line.partition(" ")[0].partition("{")[0] for line in text.splitlines() if line[0] != "#"
    }


def test_every_metric_that_is_asked_for_is_one_that_workers_serve() -> None:
    labels = {attribute.replace(".", "_") for attribute in (LIMITER, REASON, LEDGER)}
    policies = json.dumps(
        [alert.inputs for alert in run({**PROD, "fleet": "gke"}).of(":AlertPolicy")]
    )
    queried = {name for chart in CHARTS for name in NAME.findall(chart.query)}
    queried |= {name for name in NAME.findall(policies) if name.endswith("_total")}
    assert queried - labels - BY_COLLECTOR <= exposed_names()
    assert "sightline_limiter_rate_per_second" in queried


def test_the_dashboard_shows_what_a_person_asks_of_a_run() -> None:
    dashboard_json = dashboard(read_stack(PROD, "prod"))
    titles = [tile["widget"]["title"] for tile in dashboard_json["mosaicLayout"]["tiles"]]
    for wanted in ("Backlog", "Oldest", "Rate", "429", "Dead letters by reason", "Rows", "Cost"):
        assert any(wanted in title for title in titles), wanted
    places = [(tile["xPos"], tile["yPos"]) for tile in dashboard_json["mosaicLayout"]["tiles"]]
    assert len(set(places)) == len(places)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == {alert.name for alert in ALERTS}
    for page in pages:
        text = (RUNBOOKS / f"{page}.md").read_text(encoding="utf-8")
        for heading in ("What it means", "Look at", "Do", "Why it is there"):
            assert f"\n## {heading}\n" in text, (page, heading)


def test_a_budget_is_told_to_the_same_people_as_alerts() -> None:
    environment = run({**PROD, "billingAccount": "012345-6789AB-CDEF01", "budgetUsd": "500"})
    budget = environment.only(":Budget").inputs
    assert budget["amount"] == {"specified_amount": {"currency_code": "USD", "units": "500"}}
    assert budget["budget_filter"] == {"projects": ["projects/123456789012"]}
    assert budget["all_updates_rule"]["monitoring_notification_channels"] == ["channel-id"]
