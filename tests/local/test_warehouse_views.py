"""The views: typed also when empty, one row a key, the active version of a task."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sightline.local.warehouse import connect
from sightline.local.warehouse.views import typed_select
from sightline.model import part_key
from sightline.tasks import load_tasks, parse_task, shipped_directory
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    answer_part,
    answer_row,
    asking,
    embedding_row,
    observation,
    task,
    unit,
)

VIEWS = (
    "classifications_all", "classifications_current", "embeddings", "embeddings_all",
    "observations_current", "dead_letters_current", "runs_current", "work_items_current",
)  # fmt: skip


def ask(home: Path, select: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query over the views."""
    connection = connect(home / "warehouse")
    try:
        return connection.execute(select, list(parameters)).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_over_nothing_is_empty_and_typed(tmp_path: Path, view: str) -> None:
    assert ask(tmp_path, f"SELECT * FROM {view}") == []
    types = dict(ask(tmp_path, f"SELECT column_name, column_type FROM (DESCRIBE {view})"))
    expected = {
        "written_at": "TIMESTAMP WITH TIME ZONE",
        "embedding": "FLOAT[]",
        "latitude": "DOUBLE",
        "parts": "VARCHAR" if view == "work_items_current" else "BIGINT",
    }
    assert {name: types[name] for name in expected if name in types} == {
        name: kind for name, kind in expected.items() if name in types
    }


def test_nothing_is_installed_or_downloaded(tmp_path: Path) -> None:
    settings = ask(
        tmp_path,
        "SELECT current_setting('autoinstall_known_extensions'), "
        "current_setting('autoload_known_extensions'), current_setting('TimeZone')",
    )
    assert settings == [(False, False, "UTC")]


async def test_a_typed_view_has_one_column_a_field(tmp_path: Path) -> None:
    rig = local_rig(tmp_path)
    await rig.load([observation(1)])
    await rig.runs.remember_task(task(), now=NOW)
    assert ask(tmp_path, "SELECT * FROM signs_current") == []
    part = answer_part(task())
    await rig.open(asking(part), "run-1")
    (item,) = await rig.items("run-1")
    await rig.writer.write([answer_row(item, part)])
    fields = "kind, tilted, count, height, note, damage"
    rows = ask(tmp_path, f"SELECT subject_id, {fields} FROM signs_current")
    assert rows == [("obs-001", "stop", True, 2, 3.5, "é", ["rust", "dent"])]
    types = ask(tmp_path, f"SELECT column_type FROM (DESCRIBE SELECT {fields} FROM signs_current)")
    assert [kind for (kind,) in types] == [
        "VARCHAR", "BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR", "VARCHAR[]",
    ]  # fmt: skip


async def test_what_is_not_known_is_null_or_empty_in_a_typed_view(tmp_path: Path) -> None:
    rig = local_rig(tmp_path)
    await rig.load([observation(1)])
    await rig.runs.remember_task(task(), now=NOW)
    part = answer_part(task())
    await rig.open(asking(part), "run-1")
    (item,) = await rig.items("run-1")
    empty = '{"kind":"unknown","tilted":null,"count":null,"height":null,"note":null,"damage":[]}'
    await rig.writer.write([answer_row(item, part, answer=empty)])
    rows = ask(tmp_path, "SELECT kind, tilted, count, height, note, damage FROM signs_current")
    assert rows == [("unknown", None, None, None, None, [])]


async def test_an_edited_task_changes_what_is_current_and_keeps_both_versions(
    tmp_path: Path,
) -> None:
    rig = local_rig(tmp_path)
    old, new = task(), task(prompt="What is it really?")
    await rig.load([observation(1)])
    for moment, spec in enumerate((old, new)):
        await rig.runs.remember_task(spec, now=NOW)  # the clock stands still
        run_id = f"run-{moment}"
        await rig.open(asking(answer_part(spec)), run_id)
        (item,) = await rig.items(run_id)
        answer = f'{{"kind":"{("stop", "yield")[moment]}"}}'
        at = NOW - timedelta(days=moment)
        await rig.writer.write([answer_row(item, answer_part(spec), answer=answer, at=at)])
    every = ask(tmp_path, "SELECT fingerprint FROM classifications_all")
    assert {version for (version,) in every} == {old.fingerprint, new.fingerprint}
    assert ask(tmp_path, "SELECT kind FROM signs_current") == [("yield",)]
    await rig.runs.remember_task(old, now=NOW)
    assert ask(tmp_path, "SELECT kind FROM signs_current") == [("stop",)]


async def test_vectors_of_each_model_have_a_view_and_all_have_one(tmp_path: Path) -> None:
    rig = local_rig(tmp_path)
    await rig.load([observation(1)])
    await rig.open(asking(EMBEDDING), "run-1")
    (item,) = await rig.items("run-1")
    for _ in range(2):
        await rig.writer.write([embedding_row(item, unit(0))])
    for view in ("embeddings_demo_1_4_all", "embeddings", "embeddings_all"):
        rows = ask(tmp_path, f"SELECT subject_id, embedding FROM {view}")
        assert rows == [("obs-001", [1.0, 0.0, 0.0, 0.0])]


def test_the_key_of_a_part_is_the_same_in_sql(tmp_path: Path) -> None:
    fields = ("subjéct '木'", "answer", "task", "f" * 64, "model/1")
    select = "SELECT sha256(concat_ws(chr(31), ?, ?, ?, ?, ?, ''))"
    assert ask(tmp_path, select, *fields) == [(part_key(*fields, None),)]


def test_a_field_named_as_a_column_is_told_apart() -> None:
    spec = parse_task(
        'name = "t"\nprompt = "p"\n[fields.latitude]\ntype = "number"\ndescription = "d"\n'
    )
    assert 'AS "latitude_answer"' in typed_select(spec.resolve("m"))


async def test_every_shipped_task_has_its_view(tmp_path: Path) -> None:
    rig = local_rig(tmp_path)
    tasks = load_tasks((shipped_directory(),)).values()
    for spec in tasks:
        await rig.runs.remember_task(spec.resolve("demo-1"), now=NOW)
    for spec in tasks:
        names = ", ".join(f'"{field.name}"' for field in spec.fields)
        assert ask(tmp_path, f"SELECT {names} FROM {spec.name}_current") == []
