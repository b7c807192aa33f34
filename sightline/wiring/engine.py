"""The engine: every port but the models, behind one configuration; or its warehouse alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from sightline.ports import Engine, Warehouse
from sightline.settings import Settings
from sightline.wiring.ids import utc_now
from sightline.wiring.parts import OpenQueue
from sightline.wiring.without_secrets import DeadLettersWithoutSecrets, ResultsWithoutSecrets
from sightline.work_lists import BY_BATCH_JOBS, BY_STATEMENTS, BY_WORKERS


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
        yield Engine(**vars(queue.ports), **vars(warehouse))


@asynccontextmanager
async def open_warehouse(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Warehouse]:
    """Open the warehouse without the queue, for what only reads: a broken queue is no matter.

    Raises:
        ConfigurationError, StorageError: it cannot be opened.
    """
    async with _open_warehouse(settings, None, now) as warehouse:
        yield warehouse


@asynccontextmanager
async def _open_queue(settings: Settings, now: Callable[[], datetime]) -> AsyncIterator[OpenQueue]:
    if settings.adapter("queue") == "work_list":
        from sightline.wiring.cloud import open_work_list  # noqa: PLC0415 - only the adapters that are used

        async with open_work_list(settings) as queue:
            yield queue
        return
    if settings.adapter("queue") == "pubsub":
        from sightline.wiring.cloud import open_pubsub  # noqa: PLC0415 - only the adapters that are used

        async with open_pubsub(settings) as queue:
            yield queue
        return
    from sightline.wiring.local import open_local_queue  # noqa: PLC0415 - only the adapters that are used

    async with open_local_queue(settings, now=now) as queue:
        yield queue


@asynccontextmanager
async def _open_warehouse(
    settings: Settings, queue: OpenQueue | None, now: Callable[[], datetime]
) -> AsyncIterator[Warehouse]:
    if settings.adapter("warehouse") == "bigquery":
        from sightline.wiring.cloud import open_bigquery  # noqa: PLC0415 - only the adapters that are used

        async with open_bigquery(settings, now=now) as warehouse:
            yield _without_secrets(warehouse)
        return
    from sightline.wiring.local import open_local_warehouse  # noqa: PLC0415 - only the adapters that are used

    async with open_local_warehouse(settings, queue) as warehouse:
        yield _without_secrets(warehouse)


def _without_secrets(warehouse: Warehouse) -> Warehouse:
    return replace(
        warehouse,
        results=ResultsWithoutSecrets(warehouse.results),
        dead_letters=DeadLettersWithoutSecrets(warehouse.dead_letters),
    )


def engine_of_runs(settings: Settings) -> str:
    """Return what the requests of runs say that this engine works off."""
    if settings.adapter("queue") != "work_list":
        return BY_WORKERS
    return BY_BATCH_JOBS if settings.engine == "batch" else BY_STATEMENTS
