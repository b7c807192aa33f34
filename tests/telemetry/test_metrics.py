"""Metrics: what is recorded and read, and that all of it comes out of the endpoint."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from sightline.model import Usage
from sightline.ports import Backlog
from tests.telemetry.rig import FOUND, a_day, only, scrape, settings, worker_status
from worker.limiting import LimiterState
from worker.telemetry.calls import ERRORS, CallRecords, error_type
from worker.telemetry.histogram import Histogram
from worker.telemetry.metrics import METRICS
from worker.telemetry.opening import metrics_url, open_telemetry
from worker.telemetry.probe import LAG_OVER_S, LOOK_EVERY_S, Probe


def test_a_bucket_holds_its_upper_bound() -> None:
    histogram = Histogram((1, 4, 16))
    for value in (0.5, 1, 1.5, 4, 16, 17):
        histogram.record(value)
    assert histogram.counts == [2, 2, 1, 1]
    assert (histogram.count, histogram.total) == (6, 40)
    assert (histogram.least, histogram.most) == (0.5, 17)


def test_every_way_in_which_a_call_ends_has_a_name() -> None:
    slow = TransientError("no answer within 120 s")
    slow.__cause__ = TimeoutError()
    ends = {
        "throttled": ThrottledError("429"),
        "transient": TransientError("503"),
        "timeout": slow,
        "permanent": PermanentError(Reason.IMAGE_GONE, "404"),
        "cancelled": asyncio.CancelledError(),
        "_OTHER": ConfigurationError("a missing grant"),
    }
    assert {name: error_type(error) for name, error in ends.items()} == {
        name: name for name in ERRORS
    }


def test_tokens_of_calls_that_failed_are_counted_too() -> None:
    calls = CallRecords()
    calls.answered(Usage(100, 20, 5), 1.0)
    calls.failed(PermanentError(Reason.ANSWER_INVALID, "not JSON", input_tokens=50), 2.0)
    calls.failed(ThrottledError("429"), 0.1)
    assert (calls.tokens["input"].total, calls.tokens["input"].count) == (150, 2)
    assert (calls.tokens["output"].total, calls.tokens["output"].count) == (20, 1)


def test_everything_that_is_counted_is_served() -> None:
    with open_telemetry(settings(prometheus_port=0), worker_id="w1") as telemetry:
        assert telemetry.prometheus_url
        telemetry.probe.status = worker_status(a_day(), leased=11)
        probing = replace(FOUND, state=LimiterState.PROBING, rate_per_s=5.0, in_flight=1, cap=1)
        telemetry.probe.limiters = {"classify": FOUND, "embed": probing}
        telemetry.probe.backlog = Backlog(40, 11, 77.5)
        telemetry.meters["classify"].answered(Usage(1000, 50, 3), 1.0)
        telemetry.meters["classify"].failed(ThrottledError("429"), 0.1)
        telemetry.meters["embed"].answered(Usage(10, 0, 1), 0.5)
        samples = scrape(telemetry.prometheus_url)
    assert only(samples, "sightline_limiter_rate_per_second", sightline_limiter="classify") == 42.5
    assert only(samples, "sightline_limiter_in_flight", sightline_limiter="classify") == 17
    assert only(samples, "sightline_limiter_cap", sightline_limiter="embed") == 1
    assert only(samples, "sightline_limiter_refused_share", sightline_limiter="embed") == 0.02
    states = samples["sightline_limiter_state"]
    assert len(states) == 2 * len(LimiterState)
    assert only(samples, "sightline_limiter_state", sightline_state="probing") == 1
    calls = "sightline_calls_total"
    assert only(samples, calls, sightline_limiter="classify", sightline_outcome="throttled") == 1
    assert only(samples, calls, sightline_outcome="succeeded") == 2
    assert only(samples, "sightline_retries_total") == 8
    pulled = "messaging_client_consumed_messages_total"
    assert only(samples, pulled, messaging_system="sqlite", messaging_operation_name="pull") == 100
    assert only(samples, "sightline_messages_redelivered_total") == 7
    settled = "sightline_messages_settled_total"
    assert only(samples, settled, sightline_settlement="ack") == 80
    assert only(samples, settled, sightline_settlement="nack") == 5
    assert only(samples, settled, sightline_settlement="nack_at_stop") == 2
    skipped = "sightline_messages_skipped_total"
    assert only(samples, skipped, sightline_reason="already_settled") == 3
    assert only(samples, skipped, sightline_reason="cancelled") == 4
    assert only(samples, skipped, sightline_reason="over_budget") == 6
    assert only(samples, "sightline_leases_outstanding") == 11
    assert only(samples, "sightline_leases_lost_total") == 1
    assert only(samples, "sightline_rows_written_total", sightline_ledger="embeddings") == 75
    assert only(samples, "sightline_dead_letters_total", sightline_reason="image_gone") == 2
    assert only(samples, "sightline_dead_letters_total") == 3
    assert only(samples, "sightline_cost_total") == 1.25
    assert only(samples, "sightline_backlog_messages", sightline_state="ready") == 40
    assert only(samples, "sightline_backlog_oldest_age_seconds") == 77.5
    assert only(samples, "sightline_event_loop_lag_seconds") == 0
    took = "gen_ai_client_operation_duration_seconds"
    assert only(samples, f"{took}_count", error_type="") == 2
    assert only(samples, f"{took}_sum", error_type="throttled") == 0.1
    assert only(samples, f"{took}_bucket", le="0.64", gen_ai_operation_name="embeddings") == 1
    assert only(samples, "gen_ai_client_token_usage_sum", gen_ai_token_type="input") == 1010
    assert only(samples, "target_info", service_instance_id="w1", service_name="sightline-worker")


def test_what_nobody_can_tell_is_absent() -> None:
    with open_telemetry(settings(prometheus_port=0), worker_id="w1") as telemetry:
        assert telemetry.prometheus_url
        before = scrape(telemetry.prometheus_url)
        telemetry.probe.status = worker_status()
        samples = scrape(telemetry.prometheus_url)
    assert "sightline_messages_settled_total" not in before
    assert not {metric for metric in samples if metric.startswith("sightline_backlog")}
    assert not {metric for metric in samples if metric.startswith("gen_ai")}


def test_no_attribute_has_values_that_grow_with_the_job() -> None:
    attributes = {name for metric in METRICS for name in metric.attributes}
    assert not {name for name in attributes if "run" in name or "message_id" in name}
    with open_telemetry(settings(prometheus_port=0), worker_id="w1") as telemetry:
        assert telemetry.prometheus_url
        telemetry.probe.status = worker_status(a_day(), leased=3)
        telemetry.probe.limiters = {"classify": FOUND}
        samples = scrape(telemetry.prometheus_url)
    named = {key for name, rows in samples.items() if name != "target_info"
             for labels in rows for key, _ in labels}  # fmt: skip
    assert named <= {attribute.replace(".", "_") for attribute in attributes} | {"le"}


def test_a_port_in_use_is_an_error_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"{port}.*set telemetry.prometheus_port"),
            open_telemetry(settings(prometheus_port=port), worker_id="w1"),
        ):
            raise AssertionError


def test_a_collector_s_base_url_gets_the_path_of_metrics() -> None:
    assert metrics_url("http://h:4318") == "http://h:4318/v1/metrics"
    assert metrics_url("http://h:4318/") == "http://h:4318/v1/metrics"
    assert metrics_url("https://h/otlp/v1/metrics") == "https://h/otlp/v1/metrics"


class Backlogs:
    """A queue that counts how often it was asked."""

    def __init__(self) -> None:
        self.counted = asyncio.Event()

    async def backlog(self, run_id: str | None = None) -> Backlog:
        self.counted.set()
        return Backlog(5, 6, 7.0)

    async def purge(self, run_id: str) -> int:
        return 0

    async def make_due(self, run_id: str) -> int:
        return 0


async def test_a_probe_reads_limiters_and_the_backlog_in_the_event_loop() -> None:
    probe, queue = Probe(monotonic=asyncio.get_running_loop().time), Backlogs()
    running = asyncio.create_task(probe.run(worker_status(classify=FOUND), queue))
    await queue.counted.wait()
    assert probe.limiters == {"classify": FOUND}
    assert probe.backlog == Backlog(5, 6, 7.0)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


def test_the_lag_that_is_told_is_the_worst_lately() -> None:
    probe = Probe(monotonic=lambda: 0.0)
    assert probe.lag_s == 0
    probe._lags.extend([0.4, *[0.01] * (round(LAG_OVER_S / LOOK_EVERY_S) - 1)])
    assert probe.lag_s == 0.4
    probe._lags.append(0.01)
    assert probe.lag_s == 0.01
