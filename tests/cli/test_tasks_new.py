"""``sightline tasks new``: a task file to be changed, which is a valid task as it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import get_args

import pytest

from sightline.tasks import FieldType, load_task, new_task_text, parse_task
from tests.cli.conftest import Command, Mistake, Shown


def test_a_new_task_is_known_at_once_and_says_what_to_do_next(
    sightline: Command, shown: Shown
) -> None:
    code, out, err = shown("tasks", "new", "benches", "--asset-type", "bench")
    assert code == 0
    assert out.startswith("tasks/benches.toml: benches is valid, 5 fields, ")
    assert "`sightline enqueue` asks it about every bench: change it before" in err
    assert "`sightline tasks check tasks/benches.toml` and `sightline pilot --task benches`" in err
    assert tomllib.loads(Path("sightline.toml").read_text()) == {"tasks_dir": "tasks"}
    known = {task["name"]: task for task in sightline("tasks", "list")}
    assert known["benches"]["asset_types"] == ["ASSET_CLASS_BENCH"]
    assert sightline("tasks", "check", "tasks/benches.toml") == known["benches"]


def test_it_goes_into_the_folder_of_the_settings_which_stay_as_they_are(
    sightline: Command, tmp_path: Path
) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text('tasks_dir = "mine"\n')
    (tmp_path / "mine").mkdir()
    added = sightline("--config", "own.toml", "tasks", "new", "benches")
    assert Path(added["file"]).samefile(tmp_path / "mine" / "benches.toml")
    assert added["asset_types"] == []
    assert settings.read_text() == 'tasks_dir = "mine"\n'
    assert not (tmp_path / "sightline.toml").exists()


def test_nothing_is_replaced(mistake: Mistake, shown: Shown) -> None:
    assert shown("tasks", "new", "benches")[0] == 0
    Path("tasks/benches.toml").write_text(new_task_text("benches") + "# mine\n")
    mistake("tasks", "new", "benches", says="there is a task benches already; give another name")
    assert Path("tasks/benches.toml").read_text().endswith("# mine\n")
    mistake("tasks", "new", "road_signs", says="there is a task road_signs already")
    Path("tasks/benches.toml").rename("tasks/poles.toml")
    mistake("tasks", "new", "poles", says="there is a task poles already")


def test_a_misspelt_asset_type_is_refused(mistake: Mistake, tmp_path: Path) -> None:
    mistake(
        "tasks", "new", "posts", "--asset-type", "road_signs",
        says="--asset-type road_signs is a misspelling (did you mean road_sign?); give road_sign",
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Benches", "../benches", 'a"b', "1st", "", "runs"])
def test_a_name_that_no_task_can_have_is_refused_and_nothing_is_written(
    mistake: Mistake, tmp_path: Path, name: str
) -> None:
    mistake("tasks", "new", "--", name, says="; give another name, such as sign_posts")
    assert list(tmp_path.iterdir()) == []


def test_the_text_has_each_type_of_field_and_names_what_is_seen(tmp_path: Path) -> None:
    text = new_task_text("things", ["bench", "street-lamp"])
    task = parse_task(text)
    assert {field.type for field in task.fields} == set(get_args(FieldType)) - {"number"}
    assert task.asset_types == ("ASSET_CLASS_BENCH", "ASSET_CLASS_STREET_LAMP")
    assert "The photograph shows a bench or a street lamp." in task.prompt
    file = tmp_path / "things.toml"
    file.write_text(text)
    assert load_task(file) == task
