"""A world in memory for a worker: queue, ledgers, models and time, all under the test's hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sightline.model import AnswerPart, EmbeddingPart, Observation, Part, Usage
from sightline.ports import (
    Backlog,
    Classification,
    ClassificationRow,
    DeadLetterRow,
    Delivery,
    Embedding,
    EmbeddingRow,
    ResultRow,
)
from sightline.prices import Price
from sightline.settings import LimitSettings, WorkerSettings
from sightline.tasks import TaskSpec, parse_task
from sightline.wire import Message, encode
from tests.worker.ledger import MOMENT, Ledger
from worker.budgets.budget_slice import LONG_DELAY_S
from worker.budgets.estimates import Estimates
from worker.budgets.run_budgets import RunBudgets
from worker.calls.caller import Caller
from worker.calls.meter import CallMeter
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.handler import Handler
from worker.leaser import Leaser
from worker.limiting import Limiter, StaticLimiter
from worker.messages.part_handler import PartHandler
from worker.progress import Progress
from worker.results.dead_letter_builder import DeadLetterBuilder, Identity
from worker.results.row_writer import RowWriter
from worker.runner import Runner
from worker.writer import BatchWriter, FlushRule

TASK = parse_task(
    """
name = "signs"
prompt = "What is it?"
[fields.kind]
type = "enum"
values = ["stop", "yield", "unknown"]
description = "The kind."
"""
).resolve("model-a")
ANSWER = AnswerPart(TASK.name, TASK.fingerprint, TASK.model)
EMBED = EmbeddingPart("model-e", 2)

FAST = WorkerSettings(
    idle_poll_s=0.001,
    flush_s=0.001,
    drain_idle_s=0.002,
    backoff_s=0.0,
    lease_s=5.0,
    cancel_poll_s=0.01,
    grace_s=5.0,
    systemic_hold_s=0.0,
    drain_missing_s=0.02,
)


def observation(number: int, uri: str | None = None) -> Observation:
    """Return the observation of this number."""
    name = f"o{number}"
    return Observation(name, f"a{number}", "s1", "ASSET_CLASS_ROAD_SIGN", uri or f"gs://b/{name}")


def message(number: int, parts: tuple[Part, ...] = (ANSWER, EMBED), run_id: str = "run") -> Message:
    """Return the message about the observation of this number."""
    return Message(run_id, f"o{number}", (observation(number),), parts)


@dataclass
class Queue:
    """An in-memory queue that remembers everything that was done to it."""

    ready: list[tuple[str, bytes, dict[str, str], int]] = field(default_factory=list)
    leased: dict[str, tuple[str, bytes, dict[str, str], int]] = field(default_factory=dict)
    acked: list[str] = field(default_factory=list)
    nacked: list[str] = field(default_factory=list)
    delayed: list[tuple[str, bytes, dict[str, str], int]] = field(default_factory=list)
    extended: int = 0
    lose: set[str] = field(default_factory=set)
    deliveries: int = 0
    backstop: list[Delivery] = field(default_factory=list)
    redeliver: bool = True
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, body: bytes, attributes: dict[str, str] | None = None, attempt: int = 1) -> None:
        self.ready.append((f"m{len(self.ready)}", body, attributes or {"run_id": "run"}, attempt))

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        await asyncio.sleep(0)
        deliveries = []
        for _ in range(min(max_messages, len(self.ready))):
            item = self.ready.pop(0)
            self.deliveries += 1
            lease_id = f"l{self.deliveries}"
            self.leased[lease_id] = item
            deliveries.append(Delivery(lease_id, item[0], item[1], item[2], item[3]))
        return deliveries

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        self.extended += len(lease_ids)
        self.changed.set()
        return frozenset(self.lose & set(lease_ids))

    async def ack(self, lease_ids: Sequence[str]) -> None:
        for lease_id in lease_ids:
            if lease_id in self.leased:
                self.acked.append(self.leased.pop(lease_id)[0])
        self.changed.set()
        self.backstop = [
            delivery for delivery in self.backstop if delivery.lease_id not in lease_ids
        ]

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        for lease_id in lease_ids:
            name, body, attributes, attempt = self.leased.pop(lease_id)
            self.nacked.append(name)
            if delay_s >= LONG_DELAY_S:
                self.delayed.append((name, body, attributes, attempt + 1))
                self.changed.set()
            elif self.redeliver:
                self.ready.append((name, body, attributes, attempt + 1))

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        return list(self.backstop)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until an extension or an ack has made the condition true."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    async def backlog(self, run_id: str | None = None) -> Backlog:
        def of(items: Iterable[tuple[str, bytes, dict[str, str], int]]) -> int:
            return sum(run_id in {None, item[2]["run_id"]} for item in items)

        return Backlog(of([*self.ready, *self.delayed]), of(self.leased.values()))

    async def purge(self, run_id: str) -> int:
        return 0

    async def make_due(self, run_id: str) -> int:
        count, self.ready, self.delayed = len(self.delayed), [*self.ready, *self.delayed], []
        return count


@dataclass
class Store:
    """An in-memory warehouse."""

    rows: list[ResultRow] = field(default_factory=list)
    fail: list[Exception] = field(default_factory=list)
    tasks: dict[str, TaskSpec] = field(default_factory=lambda: {TASK.fingerprint: TASK})
    cancelled: set[str] = field(default_factory=set)
    left: int = 0
    done: set[str] = field(default_factory=set)
    finished_asked: list[tuple[str, ...]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    runs_read: asyncio.Event = field(default_factory=asyncio.Event)
    before_write: Callable[[], None] = lambda: None

    async def write(self, rows: Sequence[ResultRow]) -> None:
        self.before_write()
        if self.fail:
            raise self.fail.pop(0)
        self.rows.extend(rows)

    async def written(self, part_keys: Sequence[str]) -> frozenset[str]:
        keys = {row.part_key for row in self.results()}
        return frozenset(keys & set(part_keys))

    async def settled(self, part_keys: Sequence[str]) -> frozenset[str]:
        self.looked_up += part_keys
        dead = {row.part_key for row in self.dead() if row.event == "dead"}
        return await self.written(part_keys) | frozenset(dead & set(part_keys))

    async def task_version(self, fingerprint: str) -> TaskSpec | None:
        return self.tasks.get(fingerprint)

    async def image_buckets(self) -> frozenset[str]:
        return frozenset()

    async def cancelled_runs(self) -> frozenset[str]:
        self.runs_read.set()
        return frozenset(self.cancelled)

    async def until_asked(self) -> None:
        """Wait until the cancelled runs were asked for, and the answer was taken."""
        for _ in range(2):
            self.runs_read.clear()
            await self.runs_read.wait()

    async def finished(self, run_ids: Sequence[str]) -> frozenset[str]:
        self.finished_asked.append(tuple(run_ids))
        return frozenset(self.done & set(run_ids))

    async def missing(self) -> int:
        return self.left

    def results(self) -> list[ClassificationRow | EmbeddingRow]:
        return [row for row in self.rows if not isinstance(row, DeadLetterRow)]

    def dead(self) -> list[DeadLetterRow]:
        return [row for row in self.rows if isinstance(row, DeadLetterRow)]


Script = Callable[[str], Awaitable[None]]


async def _nothing(subject: str) -> None:
    return None


@dataclass
class FakeModels:
    """Models that do what the test's scripts say, and count what was paid for."""

    on_classify: Script = _nothing
    on_embed: Script = _nothing
    answer: dict[str, object] = field(default_factory=lambda: {"kind": "stop"})
    vector: Sequence[float] = (1.0, 0.0)
    cost: int = 0
    paid: list[tuple[str, str]] = field(default_factory=list)
    model: str = "model-a"
    dimension: int = 2

    def classifier(self, model: str) -> FakeModels:
        return self

    def embedder(self, model: str, dimension: int) -> FakeModels:
        return self

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        subject = observations[0].observation_id
        self.paid.append(("classify", subject))
        await self.on_classify(subject)
        return Classification(dict(self.answer), usage=Usage(10, 5, self.cost))

    async def embed_image(self, observation: Observation, *, run_id: str) -> Embedding:
        self.paid.append(("embed", observation.observation_id))
        await self.on_embed(observation.observation_id)
        return Embedding(self.vector)

    async def embed_text(self, text: str) -> Embedding:
        return Embedding([1.0, 0.0])


@dataclass
class World:
    """Everything around one worker."""

    settings: WorkerSettings = FAST
    limit: LimitSettings = field(default_factory=LimitSettings)
    queue: Queue = field(default_factory=Queue)
    store: Store = field(default_factory=Store)
    models: FakeModels = field(default_factory=FakeModels)
    progress: Progress = field(default_factory=Progress)
    ledger: Ledger = field(default_factory=Ledger)
    prices: dict[str, Price] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: MOMENT
    worker_id: str = "w1"
    ids: itertools.count[int] = field(default_factory=itertools.count)
    clock: Callable[[], float] | None = None
    meter: CallMeter | None = None
    limiter: Callable[[LimitSettings], Limiter] = StaticLimiter
    trusts_first_deliveries: bool = True

    def put(self, *numbers: int, attempt: int = 1) -> None:
        for number in numbers:
            self.queue.put(encode(message(number)), attempt=attempt)

    def price(self, input_usd: float = 0.0, output_usd: float = 0.0) -> None:
        """Let the model that answers cost so much a million tokens."""
        model = self.models.model
        self.prices[model] = Price(
            model, date(2026, 1, 1), input_usd=input_usd, output_usd=output_usd
        )

    def runner(self) -> Runner:
        """Return a worker in this world; it begins when it is run."""
        now, own = self.clock or asyncio.get_running_loop().time, self.settings
        leaser = Leaser(
            self.queue, lease_s=own.lease_s, max_lease_s=own.max_lease_s, monotonic=now,
            random=lambda: 0.5,
        )  # fmt: skip
        identity = Identity(
            self.worker_id, lambda: MOMENT, lambda: f"e{next(self.ids)}", lambda: 0.5
        )
        run_budgets = self._run_budgets()
        writer = self._writer(leaser, identity, on_settled=lambda: runner.settled())  # noqa: PLW0108 - the runner comes after
        runner = Runner(
            self.queue, self.queue, self.store, self._handler(run_budgets, identity, now), leaser,
            writer, run_budgets, self.progress, own, monotonic=now, random=lambda: 1.0,
            trusts_first_deliveries=self.trusts_first_deliveries,
        )  # fmt: skip
        return runner

    @property
    def _backoff(self) -> Backoff:
        return Backoff(self.settings.backoff_s, self.settings.max_backoff_s)

    def _run_budgets(self) -> RunBudgets:
        return RunBudgets(
            self.ledger,
            worker_id=self.worker_id,
            now=self.now,
            new_id=lambda: f"{self.worker_id}-b{next(self.ids)}",
            random=lambda: 0.5,
            pause_s=0.0,
        )

    def _handler(
        self, run_budgets: RunBudgets, identity: Identity, now: Callable[[], float]
    ) -> Handler:
        callers = {AnswerPart: self._caller(now), EmbeddingPart: self._caller(now)}
        parts = PartHandler(
            self.models, self.store, callers, self.progress, identity,
            max_attempts=self.settings.max_attempts,
        )  # fmt: skip
        return Handler(
            parts,
            run_budgets,
            Estimates(self.prices.get, self.ledger, answers_at="global", embeddings_at="global"),
            self.progress,
            identity,
            redelivery=self._backoff,
        )

    def _caller(self, now: Callable[[], float]) -> Caller:
        own = self.settings
        return Caller(
            self.limiter(self.limit),
            RetryPolicy(own.tries_per_lease, own.max_lease_s, self._backoff),
            RetryBudget(own.retry_budget),
            self.progress,
            timeout_s=own.call_timeout_s,
            monotonic=now,
            random=lambda: 0.5,
            meter=self.meter,
        )

    def _writer(
        self, leaser: Leaser, identity: Identity, *, on_settled: Callable[[], None]
    ) -> BatchWriter:
        own = self.settings
        rows = RowWriter(
            self.store,
            DeadLetterBuilder(self.progress, identity),
            self.progress,
            self._backoff,
            most_refused=own.systemic_failures,
            random=lambda: 0.5,
        )
        rule = FlushRule(own.flush_rows, own.max_outstanding, own.flush_s)
        return BatchWriter(rows, self.queue, leaser, self.progress, rule, on_settled=on_settled)
