"""The typed views of tasks, on the BigQuery emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from sightline.gcp.bigquery.task_views import DESCRIPTION_CHARACTERS, put_task_view
from sightline.local.warehouse.views import typed_select
from sightline.tasks import (
    VIEW_IDENTITY,
    VIEW_PROVENANCE,
    load_tasks,
    parse_task,
    shipped_directory,
)
from tests.contracts.warehouse_rig import NOW, answer_part, answer_row, task
from tests.gcp.ledger_rig import Books, open_books
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")
FIELDS = "kind, tilted, count, height, note, damage"


@pytest.fixture
async def books(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[Books]:
    async with open_books(bigquery_with_ledgers) as books:
        yield books


async def test_a_typed_view_has_one_column_a_field(books: Books) -> None:
    await books.runs.remember_task(task(), now=NOW)
    assert await books.rows("signs_current") == []
    (item,) = await books.open(1, [answer_part(task())])
    await books.writer.write([answer_row(item, answer_part(task()))])
    rows = await books.rows("signs_current", f"subject_id, {FIELDS}, latitude, run_id")
    assert rows == [
        ("obs-000", "stop", True, 2, 3.5, "é", ["rust", "dent"], 52.0, "run-1"),
    ]


async def test_unknown_values_are_null_or_empty(books: Books) -> None:
    await books.runs.remember_task(task(), now=NOW)
    (item,) = await books.open(1, [answer_part(task())])
    empty = '{"kind":"unknown","tilted":null,"count":null,"height":null,"note":null,"damage":[]}'
    await books.writer.write([answer_row(item, answer_part(task()), answer=empty)])
    assert await books.rows("signs_current", FIELDS) == [("unknown", None, None, None, None, [])]


async def test_an_answer_of_another_type_is_null_in_the_view(books: Books) -> None:
    await books.runs.remember_task(task(), now=NOW)
    (item,) = await books.open(1, [answer_part(task())])
    odd = '{"kind":"stop","tilted":"perhaps","count":"many","height":"1e1","note":7}'
    await books.writer.write([answer_row(item, answer_part(task()), answer=odd)])
    rows = await books.rows("signs_current", "kind, tilted, count, height, note")
    assert rows == [("stop", None, None, 10.0, "7")]


async def test_the_view_shows_the_active_version_in_its_own_shape(books: Books) -> None:
    old = task()
    new = replace(
        parse_task(old.toml.replace("[fields.tilted]", "[fields.leaning]")), model=old.model
    )
    for moment, (spec, answer) in enumerate(
        ((old, '{"kind":"stop","tilted":true}'), (new, '{"kind":"yield","leaning":false}'))
    ):
        await books.runs.remember_task(spec, now=NOW)
        (item,) = await books.open(1, [answer_part(spec)], f"run-{moment}")
        at = NOW - timedelta(days=moment)
        await books.writer.write([answer_row(item, answer_part(spec), answer=answer, at=at)])
    assert await books.rows("signs_current", "kind, leaning") == [("yield", False)]
    await books.runs.remember_task(old, now=NOW)
    assert await books.rows("signs_current", "kind, tilted") == [("stop", True)]


async def test_a_missing_view_is_created_again_with_its_active_task(books: Books) -> None:
    await books.runs.remember_task(task(), now=NOW)
    await books.client.execute(f"DROP VIEW {books.client.place.table('signs_current')}")
    await books.runs.remember_task(task(), now=NOW)
    assert await books.rows("signs_current") == []
    assert len(await books.rows("task_versions", "task")) == 1


async def test_columns_are_named_as_in_every_engine(books: Books) -> None:
    names = ("latitude", "select", "group", "kind")
    fields = "".join(f'[fields.{name}]\ntype = "string"\ndescription = "d"\n' for name in names)
    spec = parse_task(f'name = "t"\nprompt = "p"\n{fields}').resolve("m")
    await put_task_view(books.client, spec)
    place = books.client.place
    columns = await books.client.columns(f"{place.project}.{place.dataset}.t_current")
    expected = (*VIEW_IDENTITY, "latitude_answer", "select", "group", "kind", *VIEW_PROVENANCE)
    assert tuple(columns) == expected
    local = typed_select(spec).partition("\nFROM")[0]
    assert [line.split()[-1].strip('",') for line in local.splitlines()[1:]] == list(expected)


async def test_columns_are_described_as_the_task_says(books: Books) -> None:
    text = task().toml.replace('"damage"', "\"Rust, dents; 'graffiti' é\"")
    await put_task_view(books.client, task())
    spec = parse_task(text.replace('"height"', f'"{"long " * 500}"')).resolve("demo-1")
    await put_task_view(books.client, spec)
    await put_task_view(books.client, spec)
    place = books.client.place
    full = f"{place.project}.{place.dataset}.signs_current"
    schema = await books.client.use(lambda library: library.get_table(full).schema)
    descriptions = {column.name: column.description for column in schema}
    assert descriptions["damage"] == "Rust, dents; 'graffiti' é"
    assert descriptions["kind"] == "kind"
    assert descriptions["asset_id"] == "The physical thing"
    assert len(descriptions["height"]) == DESCRIPTION_CHARACTERS
    assert {column.name: column.mode for column in schema}["damage"] == "REPEATED"
    assert await books.rows("signs_current", "height, damage") == []


async def test_a_view_with_a_reserved_name_is_not_replaced(books: Books) -> None:
    spec = replace(task(), name="dead_letters")
    await put_task_view(books.client, spec)
    assert await books.rows("dead_letters_current", "event_id") == []


async def test_every_shipped_task_has_its_view(books: Books) -> None:
    for spec in load_tasks((shipped_directory(),)).values():
        await put_task_view(books.client, spec.resolve("demo-1"))
        names = ", ".join(f"`{field.name}`" for field in spec.fields)
        assert await books.rows(f"{spec.name}_current", names) == []
