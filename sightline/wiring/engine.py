"""The engine: all ports except the models, from one configuration; or its warehouse alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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
    """Open all ports except the models; ``now`` is the clock of leases and locks.

    Raises:
        ConfigurationError, StorageError: a part of the engine cannot be opened.
    """
    async with (
        _open_queue(settings, now) as queue,
        _open_warehouse(settings, queue, now) as warehouse,
    ):
        yield Engine(**vars(queue.ports), **vars(_without_secrets(warehouse)))


@asynccontextmanager
async def open_warehouse(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Warehouse]:
    """Open the warehouse without the queue, for reading even if the queue is broken.

    Raises:
        ConfigurationError, StorageError: it cannot be opened.
    """
    async with _open_warehouse(settings, None, now) as warehouse:
        yield _without_secrets(warehouse)


def _open_queue(
    settings: Settings, now: Callable[[], datetime]
) -> AbstractAsyncContextManager[OpenQueue]:
    """Return the opener of the queue; imports only the adapter in use."""
    adapter = settings.adapter("queue")
    if adapter == "local":
        from sightline.wiring.local import open_local_queue  # noqa: PLC0415 - as above

        return open_local_queue(settings, now=now)
    from sightline.wiring import cloud  # noqa: PLC0415 - as above

    return cloud.open_work_list(settings) if adapter == "work_list" else cloud.open_pubsub(settings)


def _open_warehouse(
    settings: Settings, queue: OpenQueue | None, now: Callable[[], datetime]
) -> AbstractAsyncContextManager[Warehouse]:
    """Return the opener of the warehouse; imports only the adapter in use."""
    if settings.adapter("warehouse") == "local":
        from sightline.wiring.local import open_local_warehouse  # noqa: PLC0415 - as above

        return open_local_warehouse(settings, queue)
    from sightline.wiring.cloud import open_bigquery  # noqa: PLC0415 - as above

    return open_bigquery(settings, now=now)


def _without_secrets(warehouse: Warehouse) -> Warehouse:
    return replace(
        warehouse,
        results=ResultsWithoutSecrets(warehouse.results),
        dead_letters=DeadLettersWithoutSecrets(warehouse.dead_letters),
    )


def engine_of_runs(settings: Settings) -> str:
    """Return this engine's name in the requests of runs."""
    if settings.adapter("queue") != "work_list":
        return BY_WORKERS
    return BY_BATCH_JOBS if settings.engine == "batch" else BY_STATEMENTS
