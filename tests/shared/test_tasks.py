"""Task files: fingerprints, schemas, validation, and complaints that name line and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from sightline.errors import ConfigurationError, NotFoundError, PermanentError, Reason
from sightline.tasks import field_columns, load_task, load_tasks, parse_task, shipped_directory
from sightline.tasks.field_types import FIELD_FORMS, FieldType

GOOD = '''name = "signs"
asset_types = ["ASSET_CLASS_ROAD_SIGN"]
prompt = """What is it?"""
temperature = 0.5

[fields.kind]
type = "enum"
values = ["stop", "unknown"]
description = "The kind."

[fields.count]
type = "integer"
minimum = 0
description = "How many."

[fields.colours]
type = "list"
values = ["red", "white"]
description = "Which."
'''


def test_two_files_of_a_folder_with_one_task_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"a\.toml and \S*b\.toml are both named signs;"):
        load_tasks((tmp_path,))


def test_a_mistake_in_a_file_ends_with_the_command_that_checks_it() -> None:
    with pytest.raises(ConfigurationError, match=r"then run `sightline tasks check 'a b\.toml'`$"):
        parse_task("name =", "a b.toml")
    with pytest.raises(ConfigurationError, match=r"fix it$"):
        parse_task("name =", "task_versions")


def test_the_shipped_tasks_are_sound() -> None:
    tasks = load_tasks((shipped_directory(),))
    assert {"road_signs", "utility_poles", "maintenance_covers", "describe"} <= tasks.keys()
    assert all(task.description and task.fields for task in tasks.values())


def test_a_fingerprint_changes_with_what_changes_the_answer_and_only_then() -> None:
    task = parse_task(GOOD).resolve("m")
    same = [
        parse_task(GOOD.replace('"signs"', '"other"')).resolve("m"),
        parse_task(GOOD.replace("ROAD_SIGN", "UTILITY_POLE")).resolve("m"),
        parse_task(GOOD.replace("temperature", "# a remark\ntemperature")).resolve("m"),
    ]
    assert {spec.fingerprint for spec in same} == {task.fingerprint}
    other = [
        task.resolve("m"),
        replace(task, model="m2"),
        parse_task(GOOD.replace("What is it?", "What is this?")).resolve("m"),
        parse_task(GOOD.replace("0.5", "0.6")).resolve("m"),
        parse_task(GOOD.replace('"stop", ', '"stop", "yield", ')).resolve("m"),
        parse_task(GOOD.replace("How many.", "How many there are.")).resolve("m"),
        parse_task(GOOD + "\n[fields.more]\ntype='string'\ndescription='x'\n").resolve("m"),
    ]
    assert len({spec.fingerprint for spec in other}) == 7


def test_the_response_schema_asks_for_every_field() -> None:
    schema = parse_task(GOOD).response_schema()
    assert schema["required"] == ["kind", "count", "colours"]
    assert schema["properties"]["kind"]["enum"] == ["stop", "unknown"]
    assert schema["properties"]["count"] == {
        "description": "How many.",
        "type": "integer",
        "nullable": True,
        "minimum": 0,
    }


def test_a_valid_answer_becomes_canonical_json() -> None:
    task = parse_task(GOOD)
    answer = {"colours": ["red"], "count": None, "kind": "stop"}
    assert task.validate_answer(answer) == '{"kind":"stop","count":null,"colours":["red"]}'


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        ({"kind": "yield", "count": 1, "colours": []}, "signs.kind"),
        ({"kind": "stop", "count": -1, "colours": []}, "signs.count"),
        ({"kind": "stop", "count": "1", "colours": []}, "signs.count"),
        ({"kind": "stop", "count": 1, "colours": ["blue"]}, "signs.colours.0"),
        ({"kind": "stop", "count": 1}, "signs.colours"),
        ({"kind": "stop", "count": 1, "colours": [], "x": 1}, "signs.x"),
    ],
)
def test_an_answer_outside_the_schema_is_invalid_and_says_where(
    answer: dict[str, object], where: str
) -> None:
    with pytest.raises(PermanentError, match=where) as caught:
        parse_task(GOOD).validate_answer(answer)
    assert caught.value.reason is Reason.ANSWER_INVALID


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('type = "enum"', 'type = "enumm"', 7, "fields.kind.type"),
        ('values = ["stop", "unknown"]', 'values = ["stop"]', 8, "fields.kind.values"),
        ('values = ["stop", "unknown"]', "valeus = 1", 8, "fields.kind.valeus"),
        ('description = "How many."', "", 11, "fields.count.description"),
        ("temperature = 0.5", "temperature = 9", 4, "temperature"),
        ("temperature = 0.5", 'temperature = "warm"', 4, "temperature"),
        ("temperature = 0.5", "colour = 1", 4, "colour"),
        ('name = "signs"', 'name = "Road Signs"', 1, "name"),
        ('prompt = """What is it?"""', 'prompt = " "', 3, "prompt"),
        ("minimum = 0", "minimum = 0\nmaximum = -1", 13, "fields.count.minimum"),
        ('["red", "white"]', '["red", "red"]', 18, "fields.colours.values"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(old: str, new: str, line: int, key: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        parse_task(GOOD.replace(old, new), "signs.toml")
    assert str(caught.value).startswith(f"signs.toml, line {line}: {key}: ")


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('name = "a"\nprompt = \n')
    with pytest.raises(ConfigurationError, match=r"broken\.toml: not TOML: .*line 2.*; fix it"):
        load_task(path)
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_task(path)
    with pytest.raises(NotFoundError, match="tasks list"):
        load_task(tmp_path / "absent.toml")


def test_a_field_gets_a_column_of_its_own_whatever_it_is_called() -> None:
    names = ("latitude", "latitude_answer", "kind")
    fields = "".join(f'[fields.{name}]\ntype = "string"\ndescription = "d"\n' for name in names)
    spec = parse_task(f'name = "t"\nprompt = "p"\n{fields}')
    assert [(field.name, column) for field, column in field_columns(spec)] == [
        ("latitude", "latitude_answer_answer"),
        ("latitude_answer", "latitude_answer"),
        ("kind", "kind"),
    ]


def test_each_type_of_field_has_its_row() -> None:
    assert set(FIELD_FORMS) == set(get_args(FieldType))
