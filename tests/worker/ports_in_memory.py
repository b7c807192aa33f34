"""A queue and a warehouse in memory, which remember what a worker did to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sightline.ports import (
    Backlog,
    ClassificationRow,
    DeadLetterRow,
    Delivery,
    EmbeddingRow,
    ResultRow,
)
from sightline.tasks import TaskSpec
from tests.worker.signs import TASK
from worker.budgets.budget_slice import LONG_DELAY_S


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
