"""Composes a worker from the settings and runs it until it is stopped or drained."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sightline.errors import BudgetError, UnwritableRowsError
from sightline.model import AnswerPart, EmbeddingPart
from sightline.ports import Engine, ResultRow, ResultWriter
from sightline.settings import LimitSettings, Settings, WorkerSettings
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_id, new_worker_id, utc_now
from sightline.wiring.models import ModelSet, open_models
from worker.budgets.wiring import estimates_of, run_budgets_of
from worker.calls.caller import Caller
from worker.calls.meter import CallMeter
from worker.calls.outages import Outages
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.concurrency.side_tasks import Work
from worker.handler import Handler
from worker.heartbeat import beat
from worker.leaser import Leaser
from worker.limiting import limiter_of
from worker.messages.images import checked_models
from worker.messages.part_handler import PartHandler
from worker.peers import see_peers
from worker.progress import Progress
from worker.results.dead_letter_builder import DeadLetterBuilder, Identity
from worker.results.row_writer import RowWriter
from worker.runner import Runner
from worker.stopping.signals import StopRequest, stopped_by_signals
from worker.worker_status import Kind, WorkerStatus
from worker.writer import BatchWriter, FlushRule

Keep = Callable[[Sequence[ResultRow]], None]
Watch = Callable[[WorkerStatus, Engine], Coroutine[None, None, None]]
Meters = Mapping[Kind, CallMeter]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a worker did between its start and its end."""

    worker_id: str
    seconds: float
    progress: Progress
    over_budget: BudgetError | None = None


@dataclass(frozen=True, slots=True)
class ReportingWriter:
    """A ``ResultWriter`` that also passes the written rows to ``keep``."""

    results: ResultWriter
    keep: Keep

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Write the rows, then pass on the durable ones; raises as the writer does."""
        try:
            await self.results.write(rows)
        except UnwritableRowsError as error:
            self.keep([row for place, row in enumerate(rows) if place not in error.details])
            raise
        self.keep(rows)


async def work(
    settings: Settings,
    *,
    drain: bool = False,
    watch: Watch | None = None,
    keep: Keep | None = None,
    worker_id: str | None = None,
    meters: Meters | None = None,
    stopping: StopRequest | None = None,
) -> Summary:
    """Run one worker.

    ``watch`` runs beside it and shows its progress; if ``watch`` ends, the worker stops. ``keep``
    receives the rows that were written, and ``meters`` the outcome of each call. A caller requests
    an orderly stop with ``stopping``. In the main thread, SIGTERM and SIGINT request one too; a
    second signal ends the process immediately.

    Raises:
        ConfigurationError, StorageError: the job cannot continue; the message says why.
        InternalError: a part of the worker failed; its messages and budget were given back.
    """
    stopping = stopping or StopRequest()
    started_s = time.monotonic()
    async with AsyncExitStack() as opened:
        opened.enter_context(stopped_by_signals(stopping))
        opened.enter_context(
            calm_garbage_collection()
        )  # before libraries are loaded, which creates few cycles
        engine = await opened.enter_async_context(open_engine(settings))
        models = await opened.enter_async_context(open_models(settings))
        gc.freeze()  # the collector skips everything loaded so far
        if keep:
            engine = replace(engine, results=ReportingWriter(engine.results, keep))
        done = await work_with(
            engine,
            models,
            stopping,
            drain=drain,
            watch=watch,
            worker_id=worker_id,
            meters=meters,
            heartbeat_file=settings.worker.heartbeat_file,
        )
    return replace(done, seconds=time.monotonic() - started_s)


async def work_with(
    engine: Engine,
    models: ModelSet,
    stopping: StopRequest,
    *,
    drain: bool = False,
    watch: Watch | None = None,
    now: Callable[[], datetime] = utc_now,
    worker_id: str | None = None,
    meters: Meters | None = None,
    heartbeat_file: Path | None = None,
) -> Summary:
    """Run one worker over open ports, with this clock; raises as ``work`` does.

    Nothing is leased if the queue and the warehouse do not belong together.
    """
    started_s = time.monotonic()
    await engine.consistency.begin()
    worker = build_worker(
        engine,
        models,
        engine.settings,
        worker_id=worker_id or new_worker_id(),
        now=now,
        meters=meters,
    )
    runner, status = worker.runner, worker.status
    stopping.then(runner.stop)
    beside: dict[str, Work] = {"the watch on what is out of reach": status.outages.watch}
    if watch is not None:
        beside["the progress display"] = lambda: watch(status, engine)
    if engine.peers.seen:
        beside["the reports to other workers"] = lambda: see_peers(
            engine.peers, status.worker_id, status.limiters
        )
    if heartbeat_file is not None:
        beside["the heartbeat"] = lambda: beat(heartbeat_file)
    over_budget = None
    try:
        await runner.run(drain=drain, beside=beside)
    except BudgetError as error:
        over_budget = error  # an expected end: the summary says what was done before it
    return Summary(status.worker_id, time.monotonic() - started_s, status.progress, over_budget)


@contextmanager
def calm_garbage_collection() -> Iterator[None]:
    """Run the garbage collector less often: it took a fifth of the loop, and messages form no
    cycles.

    Objects that exist at entry are skipped meanwhile.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, and the status that others may read while it runs."""

    runner: Runner
    status: WorkerStatus


def build_worker(
    engine: Engine,
    models: ModelSet,
    settings: Settings,
    *,
    worker_id: str,
    now: Callable[[], datetime] = utc_now,
    meters: Meters | None = None,
) -> Worker:
    """Return a worker over these ports, not started yet."""
    own, progress = _ahead_of_limits(settings), Progress()
    backoff = Backoff(own.backoff_s, own.max_backoff_s)
    leaser = Leaser(
        engine.subscription,
        lease_s=own.lease_s,
        max_lease_s=own.max_lease_s,
        monotonic=time.monotonic,
        random=random.random,
    )
    run_budgets = run_budgets_of(engine, worker_id=worker_id, now=now)
    outages = Outages(time.monotonic)
    callers = _callers(
        settings, progress, backoff, meters or {}, outages, seen_peers=engine.peers.seen
    )
    identity = Identity(worker_id, now, new_id, random.random)
    parts = PartHandler(
        checked_models(models, engine.ledgers, settings),
        engine.ledgers,
        {AnswerPart: callers["classify"], EmbeddingPart: callers["embed"]},
        progress,
        identity,
        max_attempts=own.max_attempts,
    )
    handler = Handler(
        parts,
        run_budgets,
        estimates_of(engine, settings),
        progress,
        identity,
        redelivery=backoff,
    )
    rows = RowWriter(
        engine.results,
        DeadLetterBuilder(progress, identity),
        progress,
        backoff,
        most_refused=own.systemic_failures,
        random=random.random,
    )
    writer = BatchWriter(
        rows,
        engine.subscription,
        leaser,
        progress,
        FlushRule(own.flush_rows, max(1, own.max_outstanding // 2), own.flush_s),
        on_settled=lambda: runner.settled(),  # noqa: PLW0108 - the runner comes after
    )
    runner = Runner(
        engine.subscription,
        engine.backlog,
        engine.ledgers,
        handler,
        leaser,
        writer,
        run_budgets,
        progress,
        own,
        monotonic=time.monotonic,
        random=random.random,
        trusts_first_deliveries=engine.consistency.notices_restores,
    )
    limiters = {kind: caller.limiter for kind, caller in callers.items()}
    status = WorkerStatus(worker_id, progress, leaser, limiters, outages, lambda: runner.stopping)
    return Worker(runner, status)


def _ahead_of_limits(settings: Settings) -> WorkerSettings:
    """Return the worker's settings, with enough prefetch to use both in-flight limits."""
    own = settings.worker
    limits = (settings.classify_limit.in_flight, settings.embed_limit.in_flight)
    return replace(own, prefetch=max(own.prefetch, 2 * max(limits)))


def _callers(
    settings: Settings,
    progress: Progress,
    backoff: Backoff,
    meters: Meters,
    outages: Outages,
    *,
    seen_peers: bool,
) -> Mapping[Kind, Caller]:
    own = settings.worker
    policy = RetryPolicy(own.tries_per_lease, own.max_lease_s / 2, backoff)

    def caller(kind: Kind, limit: LimitSettings) -> Caller:
        has_quota = settings.adapter(kind) != "local"
        return Caller(
            limiter_of(limit, seen_peers=seen_peers, has_quota=has_quota),
            policy,
            RetryBudget(own.retry_budget),
            progress,
            timeout_s=own.call_timeout_s,
            monotonic=time.monotonic,
            random=random.random,
            meter=meters.get(kind),
            outages=outages,
        )

    return {
        "classify": caller("classify", settings.classify_limit),
        "embed": caller("embed", settings.embed_limit),
    }
