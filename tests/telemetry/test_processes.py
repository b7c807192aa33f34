"""Metrics and logs of real workers on the local engine, held to their summaries."""

from __future__ import annotations

import json
import socket
import sys

import pytest

from sightline.cli import main
from sightline.extras import install_command
from tests.chaos.harness import Home
from tests.telemetry.processes import collecting, lines_until, publish, stop, url_of
from tests.telemetry.rig import only, scrape
from tests.waiting import GIVE_UP_S

MESSAGES = 400
BROKEN = b"{not a message"
SECRET = "ya29.A0ARrdaM-very-secret-token"
SERVE = {"SIGHTLINE_TELEMETRY__PROMETHEUS_PORT": "0"}


def test_what_prometheus_scrapes_is_what_the_summary_says(home: Home) -> None:
    home.fill(MESSAGES)
    home.run("enqueue", "--task", "road_signs")
    publish(home, BROKEN, {"run_id": "by-hand"})
    worker = home.start("work", "--watch", more=SERVE)
    url = url_of(worker)
    lines = lines_until(worker, lambda line: line["messages"] == MESSAGES + 1)
    samples = scrape(url)
    rest, _ = stop(worker)
    summary = rest[-1]["summary"]
    assert summary["acked"] == MESSAGES + 1
    pulled = "messaging_client_consumed_messages_total"
    assert only(samples, pulled, messaging_system="sqlite") == summary["pulled"] == MESSAGES + 1
    assert (
        only(samples, "sightline_messages_settled_total", sightline_settlement="ack")
        == (summary["acked"])
    )
    for kind, written in (("classify", summary["answers"]), ("embed", summary["embeddings"])):
        calls = {"sightline_limiter": kind, "sightline_outcome": "succeeded"}
        assert only(samples, "sightline_calls_total", **calls) == written == MESSAGES
    assert only(samples, "sightline_calls_total") == summary["calls"]
    rows = samples["sightline_rows_written_total"]
    assert {dict(at)["sightline_ledger"]: count for at, count in rows.items()} == summary["rows"]
    dead = samples["sightline_dead_letters_total"]
    assert {dict(at)["sightline_reason"]: count for at, count in dead.items() if count} == (
        summary["dead"]
    )
    assert summary["dead"] == {"bad_message": 1}
    assert only(samples, "sightline_cost_total") * 1e6 == pytest.approx(summary["cost_usd_micros"])
    assert summary["cost_usd_micros"] > 0
    took = "gen_ai_client_operation_duration_seconds_count"
    assert only(samples, took, gen_ai_request_model="noop") == summary["calls"]
    used = "gen_ai_client_token_usage_count"
    assert only(samples, used, gen_ai_token_type="output") == MESSAGES
    assert only(samples, "sightline_leases_outstanding") == 0
    caps = samples["sightline_limiter_cap"]
    assert {dict(at)["sightline_limiter"] for at in caps} == {"classify", "embed"}
    assert all(cap > 0 for cap in caps.values())
    assert "sightline_limiter_rate_per_second" not in samples, "an offline model has no quota"
    assert only(samples, "sightline_limiter_state") == 2, "each limiter is in one state"
    assert set(lines[-1]["limiters"]) == {"classify", "embed"}
    assert only(samples, "target_info", service_instance_id=summary["worker_id"]) == 1
    assert {line["worker_id"] for line in lines} == {summary["worker_id"]}


@pytest.mark.extended
def test_a_collector_gets_the_last_numbers_when_a_worker_ends(home: Home) -> None:
    home.fill(MESSAGES)
    home.run("enqueue", "--task", "road_signs")
    with collecting() as collector:
        environment = {
            "SIGHTLINE_TELEMETRY__OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {SECRET}",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "OTEL_SERVICE_NAME": "pole-counters",
        }
        worker = home.start("work", "--drain", "--json", more=environment)
        out, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 0, err
    summary = json.loads(out)
    assert set(collector.paths) == {"/v1/metrics"}
    assert collector.headers[-1]["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in out + err
    assert SECRET not in str(collector.requests)
    assert collector.number("messaging.client.consumed.messages") == summary["pulled"] == MESSAGES
    assert collector.number("sightline.messages.settled", sightline__settlement="ack") == MESSAGES
    assert collector.number("sightline.calls") == summary["calls"] == 2 * MESSAGES
    assert collector.number("sightline.rows.written") == 2 * MESSAGES
    took = [point for (name, _), point in collector.values().items()
            if name == "gen_ai.client.operation.duration"]  # fmt: skip
    assert sum(point.count for point in took) == summary["calls"]
    assert all(sum(point.bucket_counts) == point.count for point in took)
    resource = collector.resource()
    assert resource["service.instance.id"] == summary["worker_id"]
    assert resource["service.name"] == "pole-counters"
    assert resource["deployment.environment.name"] == "test"


@pytest.mark.extended
def test_a_collector_that_is_out_of_reach_is_one_warning_and_the_work_goes_on(home: Home) -> None:
    home.fill(20)
    home.run("enqueue", "--task", "road_signs")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "SIGHTLINE_TELEMETRY__OTLP_ENDPOINT": endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1",
    }
    worker = home.start("work", "--drain", "--json", more=environment)
    out, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 0, err
    assert json.loads(out)["acked"] == 20
    warnings = [line for line in err.splitlines() if "WARNING" in line]
    assert len(warnings) == 1, err
    assert f"metrics cannot be sent to {endpoint}/v1/metrics, the work continues" in warnings[0]
    assert "Traceback" not in err


@pytest.mark.extended
def test_a_collector_that_never_answers_does_not_hold_up_the_end(home: Home) -> None:
    home.fill(20)
    home.run("enqueue", "--task", "road_signs")
    with collecting(answers=False) as collector:
        environment = {
            "SIGHTLINE_TELEMETRY__OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3600",
        }
        worker = home.start("work", "--drain", "--json", more=environment)
        out, err = worker.communicate(timeout=GIVE_UP_S)  # an hour, were it not bounded
        assert collector.reached.is_set()
        assert not collector.answer.is_set()
    assert worker.returncode == 0, err
    assert json.loads(out)["acked"] == 20


@pytest.mark.extended
def test_a_worker_s_log_is_a_json_object_a_line_that_names_the_message(home: Home) -> None:
    home.fill(20)
    home.run("enqueue", "--task", "road_signs")
    publish(home, BROKEN, {"run_id": "by-hand"})
    worker = home.start("work", "--drain", "--json", "--log-format", "json", more=SERVE)
    out, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 0, err
    entries = [json.loads(line) for line in err.splitlines()]
    assert entries
    for entry in entries:
        assert {"time", "severity", "logger", "message", "worker_id"} <= set(entry)
    assert {entry["worker_id"] for entry in entries} == {json.loads(out)["worker_id"]}
    assert "metrics are at http://127.0.0.1:" in entries[0]["message"]
    (about,) = [entry for entry in entries if "message_id" in entry]
    (letter,) = home.sql("select message_id, run_id from dead_letters")
    assert about["message_id"] == letter["message_id"]
    assert about["run_id"] == letter["run_id"] == "by-hand"
    assert (about["severity"], about["logger"]) == ("INFO", "worker.results.dead_letter_builder")
    assert "bad_message" in about["message"]


@pytest.mark.extended
def test_the_error_that_ends_a_worker_is_a_json_line_too(home: Home) -> None:
    home.fill(5)
    home.run("enqueue", "--task", "road_signs")
    other = {"SIGHTLINE_MODELS__EMBED_DIMENSION": "16", "SIGHTLINE_TELEMETRY__LOG_FORMAT": "json"}
    worker = home.start("work", "--drain", more=other)
    _, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 2
    entries = [json.loads(line) for line in err.splitlines()]
    assert entries[-1]["severity"] == "ERROR"
    assert "set models.embed and models.embed_dimension" in entries[-1]["message"]


def test_a_port_in_use_is_one_line_and_the_worker_does_not_start(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        worker = home.start("work", more={"SIGHTLINE_TELEMETRY__PROMETHEUS_PORT": str(port)})
        out, err = worker.communicate(timeout=GIVE_UP_S)
    assert (worker.returncode, out) == (2, "")
    assert err.count("\n") == 1
    assert f"127.0.0.1:{port}: Address already in use; set telemetry.prometheus_port" in err


def test_without_the_extra_metrics_are_an_error_that_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGHTLINE_TELEMETRY__PROMETHEUS_PORT", "0")
    monkeypatch.delitem(sys.modules, "worker.telemetry.opening", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.metrics", None)
    assert main(["work"]) == 2
    remark = capsys.readouterr().err
    assert remark.count("\n") == 1
    assert install_command("telemetry") in remark
