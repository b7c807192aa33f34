"""Creates the missing resources of the job in Google Cloud, and checks the others.

Adapters create them; this module holds the order, and what is reported of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sightline.errors import NotFoundError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.tables import put_tables, wrong_columns
from sightline.gcp.bigquery.task_views import put_task_view
from sightline.gcp.pubsub.setup import (
    QueueResource,
    QueueSetup,
    QueueShape,
    agent_grants,
    repair_command,
)
from sightline.operations.cloud import (
    embedding_part,
    has_cloud_queue,
    has_cloud_warehouse,
    queue_shape,
)
from sightline.operations.expected_tables import expected_ledgers, expected_views, mend_table
from sightline.progress import Progress, Update, no_progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.credentials import google_credentials
from sightline.wiring.places import bigquery_place
from sightline.wiring.tasks import known_tasks

ItemState = Literal["made", "there", "missing", "differs"]


@dataclass(frozen=True, slots=True)
class Item:
    """A resource that the job needs, and its state.

    ``wrong`` describes how it differs from what the job needs; ``mend`` is the command that
    corrects it.
    """

    kind: str
    name: str
    state: ItemState
    wrong: Sequence[str] = ()
    mend: str = ""


@dataclass(frozen=True, slots=True)
class SetupReport:
    """The resources of the job; ``commands`` are for a person who may grant roles.

    ``in_cloud`` is false for an engine without any resources in Google Cloud.
    """

    in_cloud: bool
    dry_run: bool
    items: Sequence[Item] = ()
    commands: Sequence[str] = ()

    def count(self, state: ItemState) -> int:
        """Return how many resources are in a state."""
        return sum(item.state == state for item in self.items)


async def setup(
    settings: Settings, *, dry_run: bool = False, progress: Progress = no_progress
) -> SetupReport:
    """Create the missing resources, or with ``dry_run`` only report them.

    Raises:
        TransientError, ConfigurationError: a service refuses, or is unavailable.
    """
    if not (has_cloud_queue(settings) or has_cloud_warehouse(settings)):
        return SetupReport(in_cloud=False, dry_run=dry_run)
    items: list[Item] = []
    commands: Sequence[str] = ()
    with progress("setting up", None) as update:
        if has_cloud_warehouse(settings):
            items += await _set_up_warehouse(settings, dry_run=dry_run, update=update)
        if has_cloud_queue(settings):
            shape = queue_shape(settings)
            items += await _set_up_queue(settings, shape, dry_run=dry_run, update=update)
            if shape.place.endpoint is None:  # an emulator has no IAM
                commands = agent_grants(shape)
    return SetupReport(True, dry_run, tuple(items), tuple(commands))


async def _set_up_warehouse(settings: Settings, *, dry_run: bool, update: Update) -> Sequence[Item]:
    tasks = [*known_tasks(settings).values()]
    objects = _wanted(settings, tasks)
    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    async with BigQueryClient.open(place, credentials) as client:
        before = await _existing_tables(client)
        if not dry_run:
            await _put_all(settings, client, tasks, _counting(update, len(objects)))
        items = [_table_item(kind, name, before, dry_run=dry_run) for kind, name in objects]
        differing = await _differing_tables(settings, client, before or frozenset())
    named = {item.name for item in differing}
    return [*(item for item in items if item.name not in named), *differing]


def _wanted(settings: Settings, tasks: Sequence[TaskSpec]) -> list[tuple[str, str]]:
    return [
        ("dataset", settings.bigquery.dataset),
        *(("table", ledger.name) for ledger in expected_ledgers(settings)),
        *(("view", name) for name in expected_views(settings, tasks)),
    ]


async def _put_all(
    settings: Settings,
    client: BigQueryClient,
    tasks: Sequence[TaskSpec],
    count: Callable[[str], None],
) -> None:
    await put_tables(client, [embedding_part(settings)], on_put=count)
    for task in tasks:
        await put_task_view(client, task)
        count(task.name)


def _counting(update: Update, total: int) -> Callable[[str], None]:
    done = 0

    def count(_: str) -> None:
        nonlocal done
        done += 1
        update(done, total)

    return count


async def _existing_tables(client: BigQueryClient) -> frozenset[str] | None:
    """Return the names of the dataset's tables and views; ``None`` without a dataset."""
    try:
        return frozenset(await client.tables())
    except NotFoundError:
        return None


def _table_item(kind: str, name: str, before: frozenset[str] | None, *, dry_run: bool) -> Item:
    existed = before is not None and (kind == "dataset" or name in before)
    return Item(kind, name, _state(existed, dry_run=dry_run))


def _state(existed: bool, *, dry_run: bool) -> ItemState:
    if existed:
        return "there"
    return "missing" if dry_run else "made"


async def _differing_tables(
    settings: Settings, client: BigQueryClient, before: frozenset[str]
) -> Sequence[Item]:
    """Return the existing tables that differ from what the job needs."""
    differing = []
    for ledger in expected_ledgers(settings):
        if ledger.name not in before:
            continue
        wrong = await wrong_columns(client, ledger)
        if wrong:
            mend = mend_table(client.place, ledger, wrong)
            differing.append(Item("table", ledger.name, "differs", wrong, mend))
    return differing


async def _set_up_queue(
    settings: Settings, shape: QueueShape, *, dry_run: bool, update: Update
) -> Sequence[Item]:
    endpoint = shape.place.endpoint or ""
    credentials = await asyncio.to_thread(google_credentials, settings, endpoint)
    items = []
    async with QueueSetup.open(shape, credentials) as queue:
        objects = queue.required()
        for number, (kind, path) in enumerate(objects, 1):
            resource = await (queue.inspect(kind, path) if dry_run else queue.put(kind, path))
            items.append(_queue_item(shape, resource, dry_run=dry_run))
            update(number, len(objects))
    return items


def _queue_item(shape: QueueShape, resource: QueueResource, *, dry_run: bool) -> Item:
    if resource.differences:
        mend = repair_command(shape, resource)
        return Item(resource.kind, resource.name, "differs", resource.differences, mend)
    return Item(resource.kind, resource.name, _state(resource.existed, dry_run=dry_run))
