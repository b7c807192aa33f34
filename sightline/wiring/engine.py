"""The engine: every port but the models, behind one configuration; or its warehouse alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sightline.ports import (
    Answers,
    BacklogReader,
    Budgets,
    Consistency,
    DeadLetters,
    Ledgers,
    ObservationSource,
    Publisher,
    ResultWriter,
    Runs,
    Search,
    Subscription,
    Upkeep,
    VectorIndexes,
    Vectors,
)
from sightline.settings import Settings
from sightline.wiring.ids import utc_now
from sightline.wiring.parts import QueuePorts, WarehousePorts
from sightline.wiring.without_secrets import DeadLettersWithoutSecrets, ResultsWithoutSecrets


@dataclass(frozen=True, slots=True)
class Engine:
    """Every port but the models, behind one configuration."""

    settings: Settings
    source: ObservationSource
    publisher: Publisher
    subscription: Subscription
    backlog: BacklogReader
    results: ResultWriter
    ledgers: Ledgers
    runs: Runs
    dead_letters: DeadLetters
    search: Search
    indexes: VectorIndexes
    budgets: Budgets
    upkeep: Upkeep
    answers: Answers
    vectors: Vectors
    consistency: Consistency


@asynccontextmanager
async def open_engine(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Engine]:
    """Open every port but the models; ``now`` is the clock of leases and locks.

    Raises:
        ConfigurationError, StorageError: a part of the engine cannot be opened.
    """
    async with (
        _open_queue(settings, now) as queue,
        _open_warehouse(settings, queue, now) as warehouse,
    ):
        yield Engine(
            settings=settings,
            source=warehouse.source,
            publisher=queue.publisher,
            subscription=queue.subscription,
            backlog=queue.backlog,
            results=ResultsWithoutSecrets(warehouse.results),
            ledgers=warehouse.ledgers,
            runs=warehouse.runs,
            dead_letters=DeadLettersWithoutSecrets(warehouse.dead_letters),
            search=warehouse.search,
            indexes=warehouse.indexes,
            budgets=warehouse.budgets,
            upkeep=warehouse.upkeep,
            answers=warehouse.answers,
            vectors=warehouse.vectors,
            consistency=warehouse.consistency,
        )


@asynccontextmanager
async def open_warehouse(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[WarehousePorts]:
    """Open the warehouse without the queue, for what only reads: a broken queue is no matter.

    Raises:
        ConfigurationError, StorageError: it cannot be opened.
    """
    async with _open_warehouse(settings, None, now) as warehouse:
        yield warehouse


@asynccontextmanager
async def _open_queue(settings: Settings, now: Callable[[], datetime]) -> AsyncIterator[QueuePorts]:
    if settings.adapter("queue") == "work_list":
        from sightline.wiring.cloud import open_work_list

        async with open_work_list(settings) as queue:
            yield queue
        return
    if settings.adapter("queue") == "pubsub":
        from sightline.wiring.cloud import open_pubsub

        async with open_pubsub(settings) as queue:
            yield queue
        return
    from sightline.wiring.local import open_local_queue

    async with open_local_queue(settings, now=now) as queue:
        yield queue


@asynccontextmanager
async def _open_warehouse(
    settings: Settings, queue: QueuePorts | None, now: Callable[[], datetime]
) -> AsyncIterator[WarehousePorts]:
    if settings.adapter("warehouse") == "bigquery":
        from sightline.wiring.cloud import open_bigquery

        async with open_bigquery(settings, now=now) as warehouse:
            yield warehouse
        return
    from sightline.wiring.local import open_local_warehouse

    async with open_local_warehouse(settings, queue) as warehouse:
        yield warehouse
