"""What ``sightline setup`` does: looks at each thing that the job needs, and makes what is absent.

Whatever is made is made by the adapters; here is only the order, and what is told of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sightline.cli.cloud import (
    embedding_part,
    google_credentials,
    has_cloud_queue,
    has_cloud_warehouse,
    queue_shape,
)
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.gcp.bigquery.client import BigQueryClient
    from sightline.gcp.pubsub.setup import QueueResource, QueueShape
    from sightline.schema import Ledger

ItemState = Literal["made", "there", "missing", "differs"]
Progress = Callable[[int, int | None], None]

EMBEDDINGS_VIEWS = ("embeddings_rows", "embeddings_all", "embeddings")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the job needs, and what became of it; ``wrong`` says in what it differs."""

    kind: str
    name: str
    state: ItemState
    wrong: Sequence[str] = ()
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What a setup came to; ``commands`` are left to a person who may grant roles."""

    items: Sequence[Item]
    commands: Sequence[str]


async def make_all(settings: Settings, *, dry_run: bool, on_progress: Progress) -> Made:
    """Make what is missing, or with ``dry_run`` only look.

    Raises:
        TransientError, ConfigurationError: a service refuses, or is out of reach.
    """
    items: list[Item] = []
    commands: Sequence[str] = ()
    if has_cloud_warehouse(settings):
        items += await _warehouse(settings, dry_run=dry_run, on_progress=on_progress)
    if has_cloud_queue(settings):
        shape = queue_shape(settings)
        items += await _queue(settings, shape, dry_run=dry_run, on_progress=on_progress)
        if shape.place.endpoint is None:  # an emulator has no IAM
            from sightline.gcp.pubsub.setup import agent_grants

            commands = agent_grants(shape)
    return Made(tuple(items), tuple(commands))


async def _warehouse(settings: Settings, *, dry_run: bool, on_progress: Progress) -> Sequence[Item]:
    from sightline.gcp.bigquery.client import BigQueryClient
    from sightline.gcp.bigquery.tables import put_tables
    from sightline.gcp.bigquery.task_views import put_task_view
    from sightline.wiring import known_tasks
    from sightline.wiring.places import bigquery_place

    tasks = known_tasks(settings).values()
    wanted = _wanted(settings, [*tasks])
    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint or "")
    async with BigQueryClient.open(place, credentials) as client:
        before = await _there(client)
        done = 0

        def count(_: str) -> None:
            nonlocal done
            done += 1
            on_progress(done, len(wanted))

        if not dry_run:
            await put_tables(client, [embedding_part(settings)], on_put=count)
            for task in tasks:
                await put_task_view(client, task)
                count(task.name)
        items = [_item(kind, name, before, dry_run=dry_run) for kind, name in wanted]
        differing = await _differing(settings, client, before)
    named = {one.name for one in differing}
    return [*(one for one in items if one.name not in named), *differing]


def _wanted(settings: Settings, tasks: Sequence[object]) -> list[tuple[str, str]]:
    from sightline.schema import LEDGERS, VIEWS
    from sightline.tasks import view_name

    table = _embeddings_ledger(settings).name
    views = [*(one.name for one in VIEWS), f"{table}_all", *EMBEDDINGS_VIEWS]
    views += [view_name(one) for one in tasks]  # type: ignore[arg-type]  # tasks
    return [
        ("dataset", settings.bigquery.dataset),
        *(("table", one.name) for one in LEDGERS),
        ("table", table),
        *(("view", one) for one in dict.fromkeys(views)),
    ]


def _embeddings_ledger(settings: Settings) -> Ledger:
    from sightline.schema import embeddings_ledger

    part = embedding_part(settings)
    return embeddings_ledger(part.model, part.dimension)


async def _there(client: BigQueryClient) -> frozenset[str] | None:
    """Return the names of the dataset's tables and views, or nothing when there is no dataset."""
    from sightline.errors import NotFoundError

    try:
        return frozenset(await client.tables())
    except NotFoundError:
        return None


def _item(kind: str, name: str, before: frozenset[str] | None, *, dry_run: bool) -> Item:
    existed = before is not None and (kind == "dataset" or name in before)
    state: ItemState = "there" if existed else "missing" if dry_run else "made"
    return Item(kind, name, state)


async def _differing(
    settings: Settings, client: BigQueryClient, before: frozenset[str] | None
) -> Sequence[Item]:
    """Return the tables that were there before and are not as they should be."""
    from sightline.gcp.bigquery.tables import wrong_columns
    from sightline.operations.expected_tables import mend_table
    from sightline.schema import LEDGERS

    found = []
    for ledger in (*LEDGERS, _embeddings_ledger(settings)):
        if before is None or ledger.name not in before:
            continue
        wrong = await wrong_columns(client, ledger)
        if wrong:
            mend = mend_table(client.place, ledger, wrong)
            found.append(Item("table", ledger.name, "differs", wrong, mend))
    return found


async def _queue(
    settings: Settings, shape: QueueShape, *, dry_run: bool, on_progress: Progress
) -> Sequence[Item]:
    from sightline.gcp.pubsub.setup import QueueSetup

    endpoint = shape.place.endpoint or ""
    credentials = await asyncio.to_thread(google_credentials, settings, endpoint)
    items = []
    async with QueueSetup.open(shape, credentials) as queue:
        wanted = queue.wanted()
        for number, (kind, path) in enumerate(wanted, 1):
            found = await (queue.look(kind, path) if dry_run else queue.put(kind, path))
            items.append(_queue_item(shape, found, dry_run=dry_run))
            on_progress(number, len(wanted))
    return items


def _queue_item(shape: QueueShape, found: QueueResource, *, dry_run: bool) -> Item:
    from sightline.gcp.pubsub.setup import mending_command

    if found.wrong:
        mend = mending_command(shape, found)
        return Item(found.kind, found.name, "differs", found.wrong, mend)
    state: ItemState = "there" if found.existed else "missing" if dry_run else "made"
    return Item(found.kind, found.name, state)
