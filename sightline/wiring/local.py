"""The local adapters: SQLite queue, Parquet warehouse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from sightline.settings import Settings
from sightline.wiring.parts import QueuePorts, WarehousePorts
from sightline.wiring.places import queue_path, source_path, warehouse_path


@asynccontextmanager
async def open_local_queue(
    settings: Settings, *, now: Callable[[], datetime]
) -> AsyncIterator[QueuePorts]:
    """Open the queue in the home folder; its leases run by this clock.

    Raises:
        StorageError: it cannot be opened.
    """
    from sightline.local.marks import Marks
    from sightline.local.queue import LocalQueue, stream_bodies

    path = queue_path(settings)
    attempts = settings.queue.backstop_attempts
    marks = Marks()
    async with LocalQueue.open(
        path, now=lambda: now().timestamp(), backstop_attempts=attempts, marks=marks
    ) as queue:
        yield QueuePorts(
            queue,
            queue,
            queue,
            lambda run_id: stream_bodies(path, run_id),
            local=queue,
            marks=marks,
        )


@asynccontextmanager
async def open_local_warehouse(
    settings: Settings, queue: QueuePorts
) -> AsyncIterator[WarehousePorts]:
    """Open the ledgers in the home folder."""
    from sightline.local.consistency import LocalConsistency
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
            marks=queue.marks,
        ),
        results=LocalWriter(root, marks=queue.marks),
        ledgers=LocalLedgers(root),
        runs=LocalRuns(root, queue.bodies),
        dead_letters=LocalDeadLetters(root),
        search=LocalSearch(root),
        indexes=LocalVectorIndexes(root),
        budgets=LocalBudgets(root),
        upkeep=LocalUpkeep(root),
        answers=LocalAnswers(root),
        vectors=LocalVectors(root),
        consistency=LocalConsistency(root, queue.local, queue_path(settings)),
    )
