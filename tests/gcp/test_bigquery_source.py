"""Runs opened by producers that are killed, that race, or whose settings changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from sightline.errors import BusyError, StorageError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.source import BigQuerySource
from sightline.model import AnswerPart, EmbeddingPart, PartRequest
from tests.contracts.warehouse_rig import EMBEDDING, NOW, asking, observation
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.source_rig import ASSET_COLUMNS, load, make_source, open_source
from tests.gcp.warehouse_rig import open_dataset

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def client(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_with_ledgers, [EMBEDDING]) as client:
        await make_source(client, "latest_observations", ASSET_COLUMNS)
        yield client


@pytest.fixture
async def source(client: BigQueryClient) -> AsyncIterator[BigQuerySource]:
    async with open_source(client) as source:
        yield source


async def count(client: BigQueryClient, table: str) -> int:
    return int(await client.value(f"SELECT COUNT(*) FROM {client.place.table(table)}"))


class KilledError(Exception):
    """The process is killed here."""


class KilledAt:
    """A client that kills the process right before the statement that contains ``text``."""

    def __init__(self, client: BigQueryClient, text: str) -> None:
        self._client = client
        self._text = text

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    async def execute(self, statement: str, /, **values: str) -> None:
        if self._text in statement:
            raise KilledError
        await self._client.execute(statement, **values)


async def test_a_producer_killed_before_the_run_s_row_leaves_nothing_visible(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    await load(client, [observation(number) for number in range(6)])
    runs = client.place.table("runs")
    async with open_source(KilledAt(client, f"INSERT INTO {runs}")) as killed:  # type: ignore[arg-type]  # a client
        with pytest.raises(KilledError):
            await killed.open_run(asking(EMBEDDING), run_id="killed", now=NOW)
    assert await count(client, "work_items") == await count(client, "observations") == 6
    assert await count(client, "runs_current") == await count(client, "work_items_current") == 0
    preview = await source.preview(asking(EMBEDDING))
    assert (preview.held, preview.to_publish) == (0, 6)
    run = await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
    assert run.messages == 6
    rows = await client.rows(
        f"SELECT DISTINCT run_id FROM {client.place.table('work_items')} UNION DISTINCT"
        f" SELECT run_id FROM {client.place.table('observations')}"
    )
    assert rows == [("run-1",)]


async def test_the_same_run_can_be_opened_after_its_producer_was_killed(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    await load(client, [observation(number) for number in range(4)])
    runs = client.place.table("runs")
    async with open_source(KilledAt(client, f"INSERT INTO {runs}")) as killed:  # type: ignore[arg-type]  # a client
        with pytest.raises(KilledError):
            await killed.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
    assert (await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)).messages == 4
    assert await count(client, "work_items_current") == 4


async def test_a_work_list_that_was_deleted_meanwhile_becomes_no_run(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    class Cleared(KilledAt):
        async def execute(self, statement: str, /, **values: str) -> None:
            if self._text in statement:
                items = client.place.table("work_items")
                await client.execute(f"DELETE FROM {items} WHERE true")
            await client.execute(statement, **values)

    await load(client, [observation(1)])
    text = f"INSERT INTO {client.place.table('runs')}"
    async with open_source(Cleared(client, text)) as slow:  # type: ignore[arg-type]  # a client
        with pytest.raises(BusyError, match="was not opened"):
            await slow.open_run(asking(EMBEDDING), run_id="slow", now=NOW)
    assert await count(client, "runs") == 0


async def test_producers_on_two_machines_list_everything_once(client: BigQueryClient) -> None:
    await load(client, [observation(number) for number in range(9)])
    async with (
        open_source(client, owner="one") as first,
        open_source(client, owner="two") as second,
    ):
        runs = await asyncio.gather(
            first.open_run(asking(EMBEDDING), run_id="run-1", now=NOW),
            second.open_run(asking(EMBEDDING), run_id="run-2", now=NOW),
        )
    assert sorted(run.messages for run in runs) == [0, 9]
    keys = await client.rows(
        f"SELECT key FROM {client.place.table('work_items_current')}, UNNEST(part_keys) AS key"
    )
    assert sorted(key for (key,) in keys) == sorted(
        EMBEDDING.key(f"obs-{number:03d}") for number in range(9)
    )


async def test_the_listed_observations_are_stored_once(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    part = AnswerPart("all views", "f" * 64, "m")
    await load(client, [observation(number) for number in range(4)])
    by_asset = asking(EMBEDDING, PartRequest(part, by_asset=True))
    run = await source.open_run(by_asset, run_id="run-1", now=NOW)
    assert (run.messages, run.parts) == (6, 6)
    await load(client, [observation(9)])
    await source.open_run(asking(EMBEDDING), run_id="run-2", now=NOW + timedelta(days=1))
    rows = await client.rows(
        "SELECT observation_id, asset_id, gcs_uri, latitude, capture_time, run_id, written_at"
        f" FROM {client.place.table('observations')} ORDER BY observation_id"
    )
    assert rows == [
        (
            image.observation_id, image.asset_id, image.gcs_uri, image.latitude, image.capture_time,
            run_id, at,
        )
        for image, run_id, at in (
            *((observation(number), "run-1", NOW) for number in range(4)),
            (observation(9), "run-2", NOW + timedelta(days=1)),
        )
    ]  # fmt: skip


async def test_a_model_that_was_never_used_gets_its_table(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    await load(client, [observation(1)])
    new = EmbeddingPart("another", 8)
    assert (await source.preview(asking(new))).to_publish == 1
    await source.open_run(asking(new), run_id="run-1", now=NOW)
    assert "embeddings_another_8" in await client.tables()


async def test_released_locks_leave_no_table(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    await load(client, [observation(1)])
    before = await client.tables()
    await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
    async with source.claim("run-1"):
        assert [name for name in await client.tables() if name.startswith("_lock_")]
    assert await client.tables() == before


async def test_a_run_keeps_its_ranges_when_the_settings_change(client: BigQueryClient) -> None:
    await load(client, [observation(number) for number in range(12)])
    async with open_source(client) as source:
        await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
        before = await source.unpublished("run-1")
    async with open_source(client, buckets=9, range_items=1000) as other:
        assert await other.unpublished("run-1") == before


async def test_a_range_that_lacks_items_is_reported(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    await load(client, [observation(number) for number in range(3)])
    await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
    (first, *_) = await source.unpublished("run-1")
    with pytest.raises(StorageError, match=r"lacks|has \d+ of the"):
        await source.items(replace(first, stop=first.stop + 1))


async def test_a_request_without_parts_lists_nothing(
    client: BigQueryClient, source: BigQuerySource
) -> None:
    await load(client, [observation(1)])
    preview = await source.preview(asking())
    assert (preview.observations, preview.matched) == (1, 0)
    assert (await source.open_run(asking(), run_id="run-1", now=NOW)).messages == 0
    assert await count(client, "runs") == 0
