"""The local adapters: SQLite queue, Parquet warehouse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from sightline.settings import Settings
from sightline.wiring.parts import QueuedBodies, QueuePorts, WarehousePorts
from sightline.wiring.places import queue_path, source_path, warehouse_path


@asynccontextmanager
async def open_local_queue(
    settings: Settings, *, now: Callable[[], datetime]
) -> AsyncIterator[QueuePorts]:
    """Open the queue in the home folder; its leases run by this clock.

    Raises:
        StorageError: it cannot be opened.
    """
    from sightline.local.queue import LocalQueue

    path = queue_path(settings)
    attempts = settings.queue.backstop_attempts
    async with LocalQueue.open(
        path, now=lambda: now().timestamp(), backstop_attempts=attempts
    ) as queue:
        yield QueuePorts(queue, queue, queue, local_bodies(settings))


def local_bodies(settings: Settings) -> QueuedBodies:
    """Return what reads a run's unsettled messages; the queue is opened when it is called."""
    from sightline.local.queue import stream_bodies

    path = queue_path(settings)
    return lambda run_id: stream_bodies(path, run_id)


@asynccontextmanager
async def open_local_warehouse(
    settings: Settings, bodies: QueuedBodies | None
) -> AsyncIterator[WarehousePorts]:
    """Open the ledgers in the home folder; ``bodies`` reads the queue beside them, if any can."""
    from sightline.local.warehouse import (
        LocalAnswers,
        LocalBudgets,
        LocalDeadLetters,
        LocalLedgers,
        LocalRuns,
        LocalSearch,
        LocalSource,
        LocalUpkeep,
        LocalVectorIndexes,
        LocalVectors,
        LocalWriter,
    )

    root = warehouse_path(settings)
    yield WarehousePorts(
        source=LocalSource(
            root,
            source_path(settings),
            buckets=settings.producer.buckets,
            range_items=settings.producer.range_items,
        ),
        results=LocalWriter(root),
        ledgers=LocalLedgers(root),
        runs=LocalRuns(root, bodies),
        dead_letters=LocalDeadLetters(root),
        search=LocalSearch(root),
        indexes=LocalVectorIndexes(root),
        budgets=LocalBudgets(root),
        upkeep=LocalUpkeep(root),
        answers=LocalAnswers(root),
        vectors=LocalVectors(root),
    )
