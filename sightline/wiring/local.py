"""The local adapters: SQLite queue, Parquet warehouse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from sightline.local.consistency import LocalConsistency
from sightline.local.marks import Marks
from sightline.local.queue import LocalQueue, stream_bodies
from sightline.local.warehouse import (
    LocalAnswers,
    LocalBudgets,
    LocalDeadLetters,
    LocalGallery,
    LocalLedgers,
    LocalRuns,
    LocalSearch,
    LocalSource,
    LocalUpkeep,
    LocalVectorIndexes,
    LocalVectors,
    LocalWriter,
)
from sightline.ports import Queue, Warehouse
from sightline.settings import Settings
from sightline.wiring.parts import OpenQueue, QueuedBodies
from sightline.wiring.paths import gallery_path, queue_path, source_path, warehouse_path


@asynccontextmanager
async def open_local_queue(
    settings: Settings, *, now: Callable[[], datetime]
) -> AsyncIterator[OpenQueue]:
    """Open the queue in the home folder, with the clock of its leases.

    Raises:
        StorageError: it cannot be opened.
    """
    path = queue_path(settings)
    attempts = settings.queue.backstop_attempts
    marks = Marks()
    async with LocalQueue.open(
        path, now=lambda: now().timestamp(), backstop_attempts=attempts, marks=marks
    ) as queue:
        ports = Queue(publisher=queue, subscription=queue, backlog=queue, peers=queue)
        yield OpenQueue(ports, local_bodies(settings), local=queue, marks=marks)


def local_bodies(settings: Settings) -> QueuedBodies:
    """Return a reader of a run's unsettled messages; it opens the queue when it is called."""
    path = queue_path(settings)
    return lambda run_id: stream_bodies(path, run_id)


@asynccontextmanager
async def open_local_warehouse(
    settings: Settings, queue: OpenQueue | None
) -> AsyncIterator[Warehouse]:
    """Open the ledgers in the home folder.

    Their queue is opened when its messages are needed; ``queue`` is one that is already open.
    """
    root = warehouse_path(settings)
    bodies = queue.bodies if queue else None
    if queue is None and settings.adapter("queue") == "local":
        bodies = local_bodies(settings)
    marks = queue.marks if queue else None
    yield Warehouse(
        settings=settings,
        source=LocalSource(
            root,
            source_path(settings),
            buckets=settings.producer.buckets,
            range_items=settings.producer.range_items,
            marks=marks,
        ),
        results=LocalWriter(root, marks=marks),
        ledgers=LocalLedgers(root),
        runs=LocalRuns(root, bodies),
        dead_letters=LocalDeadLetters(root),
        search=LocalSearch(root),
        indexes=LocalVectorIndexes(root),
        budgets=LocalBudgets(root),
        upkeep=LocalUpkeep(root, source_path(settings)),
        answers=LocalAnswers(root),
        vectors=LocalVectors(root),
        consistency=LocalConsistency(root, queue.local if queue else None, queue_path(settings)),
        gallery=LocalGallery(root, gallery_path(settings)),
    )
