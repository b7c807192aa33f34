"""Defines every metric: its name, unit, attributes and source.

Names that begin with ``gen_ai.`` and ``messaging.`` follow OpenTelemetry's semantic conventions;
the others are our own. Units are UCUM. Only ``CallRecords`` records while work is done; every other
value is read at the time of a scrape or an export.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, Literal, TypeVar

from sightline.errors import Reason
from worker.results.row_writer import LEDGERS
from worker.telemetry.calls import SUCCEEDED, CallRecords
from worker.telemetry.histogram import Histogram
from worker.telemetry.probe import Probe
from worker.worker_status import Kind, WorkerStatus

Attributes = dict[str, str]
Value = TypeVar("Value")
Points = Iterator[tuple[Value, Attributes]]


@dataclass(frozen=True, slots=True)
class Watched:
    """The sources of metrics. ``models`` and ``queue`` are constant attributes."""

    probe: Probe
    calls: Mapping[Kind, CallRecords]
    models: Mapping[Kind, Attributes]
    queue: Attributes


@dataclass(frozen=True, slots=True)
class Metric(Generic[Value]):
    """A metric. ``attributes`` are its own, in addition to those of the worker."""

    name: str
    kind: Literal["counter", "updown", "gauge", "histogram"]
    unit: str
    description: str
    attributes: tuple[str, ...]
    read: Callable[[Watched], Points[Value]]


# --- limiters -----------------------------------------------------------------------------------

LIMITER, STATE, OUTCOME = "sightline.limiter", "sightline.state", "sightline.outcome"
REASON, LEDGER, SETTLEMENT = "sightline.reason", "sightline.ledger", "sightline.settlement"


def _rates(watched: Watched) -> Points[float]:
    for kind, limiter in watched.probe.limiters.items():
        if isfinite(limiter.rate_per_s):  # without a ceiling there is no value
            yield limiter.rate_per_s, {LIMITER: kind}


def _in_flight(watched: Watched) -> Points[float]:
    for kind, limiter in watched.probe.limiters.items():
        yield limiter.in_flight, {LIMITER: kind}


def _caps(watched: Watched) -> Points[float]:
    for kind, limiter in watched.probe.limiters.items():
        yield limiter.cap, {LIMITER: kind}


def _refused(watched: Watched) -> Points[float]:
    for kind, limiter in watched.probe.limiters.items():
        yield limiter.share_refused, {LIMITER: kind}


def _states(watched: Watched) -> Points[float]:
    for kind, limiter in watched.probe.limiters.items():
        for state in type(limiter.state):
            yield int(state is limiter.state), {LIMITER: kind, STATE: str(state.value)}


# --- calls --------------------------------------------------------------------------------------


def _durations(watched: Watched) -> Points[Histogram]:
    for kind, calls in watched.calls.items():
        for outcome, seconds in calls.durations.items():
            failed = {} if outcome == SUCCEEDED else {"error.type": outcome}
            yield seconds, watched.models[kind] | failed


def _tokens(watched: Watched) -> Points[Histogram]:
    for kind, calls in watched.calls.items():
        for direction, tokens in calls.tokens.items():
            yield tokens, watched.models[kind] | {"gen_ai.token.type": direction}


def _calls(watched: Watched) -> Points[float]:
    for kind, calls in watched.calls.items():
        for outcome, seconds in calls.durations.items():
            yield seconds.count, {LIMITER: kind, OUTCOME: outcome}


# --- messages and results -----------------------------------------------------------------------


def _of_status(read: Callable[[WorkerStatus], Points[float]]) -> Callable[[Watched], Points[float]]:
    def points(watched: Watched) -> Points[float]:
        if watched.probe.status is not None:
            yield from read(watched.probe.status)

    return points


def _one(read: Callable[[WorkerStatus], float]) -> Callable[[Watched], Points[float]]:
    return _of_status(lambda status: iter([(read(status), {})]))


def _pulled(watched: Watched) -> Points[float]:
    if watched.probe.status is not None:
        attributes = watched.queue | {"messaging.operation.name": "pull"}
        yield watched.probe.status.progress.pulled, attributes


def _settled(status: WorkerStatus) -> Points[float]:
    yield status.progress.acked, {SETTLEMENT: "ack"}
    yield status.progress.nacked, {SETTLEMENT: "nack"}
    yield status.progress.nacked_at_stop, {SETTLEMENT: "nack_at_stop"}


def _skipped(status: WorkerStatus) -> Points[float]:
    yield status.progress.already_settled, {REASON: "already_settled"}
    yield status.progress.cancelled, {REASON: "cancelled"}
    yield status.progress.over_budget, {REASON: "over_budget"}


def _rows(status: WorkerStatus) -> Points[float]:
    for ledger in LEDGERS.values():
        yield status.progress.rows.get(ledger, 0), {LEDGER: ledger}


def _dead(status: WorkerStatus) -> Points[float]:
    for reason in Reason:
        yield status.progress.dead.get(reason.value, 0), {REASON: reason.value}


def _backlog(watched: Watched) -> Points[float]:
    backlog = watched.probe.backlog
    for state, count in (("ready", backlog.ready), ("leased", backlog.leased)):
        if count is not None:
            yield count, {STATE: state}


def _oldest(watched: Watched) -> Points[float]:
    if (age_s := watched.probe.backlog.oldest_age_s) is not None:
        yield age_s, {}


MODEL = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")

NUMBERS: tuple[Metric[float], ...] = (
    Metric(
        "sightline.limiter.rate", "gauge", "{call}/s",
        "calls per second that the limiter allows: the quota it has found", (LIMITER,), _rates,
    ),
    Metric(
        "sightline.limiter.in_flight", "updown", "{call}", "calls in progress", (LIMITER,),
        _in_flight,
    ),
    Metric(
        "sightline.limiter.cap", "updown", "{call}", "calls that may be in progress at once",
        (LIMITER,), _caps,
    ),
    Metric(
        "sightline.limiter.state", "gauge", "1", "1 for the limiter's current state, else 0",
        (LIMITER, STATE), _states,
    ),
    Metric(
        "sightline.limiter.refused_share", "gauge", "1",
        "the share of the last minute's calls that were refused because of the quota", (LIMITER,),
        _refused,
    ),
    Metric(
        "sightline.calls", "counter", "{call}", "calls that ended, by outcome",
        (LIMITER, OUTCOME), _calls,
    ),
    Metric(
        "sightline.retries", "counter", "{call}", "calls repeated after a transient failure", (),
        _one(lambda status: status.progress.retries),
    ),
    Metric(
        "messaging.client.consumed.messages", "counter", "{message}",
        "messages pulled from the queue",
        ("messaging.destination.subscription.name", "messaging.operation.name",
         "messaging.system"),
        _pulled,
    ),
    Metric(
        "sightline.messages.redelivered", "counter", "{message}",
        "messages pulled that had been delivered before, or are to be looked up first", (),
        _one(lambda status: status.progress.redelivered),
    ),
    Metric(
        "sightline.messages.settled", "counter", "{message}",
        "messages acked, nacked, and nacked because of a stop", (SETTLEMENT,), _of_status(_settled),
    ),
    Metric(
        "sightline.messages.skipped", "counter", "{message}",
        "messages for which no model was called, or not for all of their parts", (REASON,),
        _of_status(_skipped),
    ),
    Metric(
        "sightline.leases.outstanding", "updown", "{message}", "messages leased and not settled",
        (), _one(lambda status: status.leaser.outstanding),
    ),
    Metric(
        "sightline.leases.lost", "counter", "{message}",
        "messages whose lease was lost before they were settled", (),
        _one(lambda status: status.progress.leases_lost),
    ),
    Metric(
        "sightline.rows.written", "counter", "{row}", "rows that are durable", (LEDGER,),
        _of_status(_rows),
    ),
    Metric(
        "sightline.dead_letters", "counter", "{part}", "parts given up", (REASON,),
        _of_status(_dead),
    ),
    Metric(
        "sightline.cost", "counter", "{USD}", "what calls have cost, in US dollars", (),
        _one(lambda status: status.progress.cost_usd_micros / 1e6),
    ),
    Metric(
        "sightline.backlog.messages", "updown", "{message}",
        "messages in the queue, of all runs; not with Pub/Sub, which does not report it", (STATE,),
        _backlog,
    ),
    Metric(
        "sightline.backlog.oldest_age", "gauge", "s",
        "the age of the oldest of them since it was published; not with Pub/Sub", (), _oldest,
    ),
    Metric(
        "sightline.event_loop.lag", "gauge", "s",
        "the longest delay of a timer in the event loop in the last 15 s", (),
        lambda watched: iter([(watched.probe.lag_s, {})]),
    ),
)  # fmt: skip

HISTOGRAMS: tuple[Metric[Histogram], ...] = (
    Metric(
        "gen_ai.client.operation.duration", "histogram", "s",
        "how long a call took, from the permit to its end", (*MODEL, "error.type"), _durations,
    ),
    Metric(
        "gen_ai.client.token.usage", "histogram", "{token}",
        "tokens of a call, failed calls included", (*MODEL, "gen_ai.token.type"), _tokens,
    ),
)  # fmt: skip

METRICS: tuple[Metric[Any], ...] = (*NUMBERS, *HISTOGRAMS)
