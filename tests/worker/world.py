"""A world in memory for a worker: all around it, and time, under the test's hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sightline.model import AnswerPart, EmbeddingPart, Observation, Usage
from sightline.ports import (
    Classification,
    Embedding,
)
from sightline.prices import Price
from sightline.settings import LimitSettings, WorkerSettings
from sightline.tasks import TaskSpec
from sightline.wire import encode
from tests.worker.ledger import MOMENT, Ledger
from tests.worker.ports_in_memory import Queue, Store
from tests.worker.signs import message
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
