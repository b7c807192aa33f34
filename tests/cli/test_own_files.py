"""No output takes the place of the project's own files, by whatever name or link it is reached."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.cli.answered import answered_home
from tests.cli.conftest import Command, Mistake, Shown

SAYS = "is one of this project's own files"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with answers, a queue and a settings file beside it."""
    home = answered_home(tmp_path)
    (home / "queue.db").write_bytes(b"a queue")
    (tmp_path / "sightline.toml").write_text('prices = "prices.toml"\ntasks_dir = "own-tasks"\n')
    (tmp_path / "prices.toml").write_text("")
    (tmp_path / "own-tasks").mkdir()
    (tmp_path / "own-tasks" / "signs.toml").write_text("")
    (tmp_path / "elsewhere").mkdir()
    return home


def digest(folder: Path) -> dict[str, str]:
    """Return the content of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


TARGETS = (
    ".sightline/queue.db",
    ".sightline/new.csv",
    ".sightline/warehouse/new.csv",
    "elsewhere/../.sightline/queue.db",
    "home-link/queue.db",
    "queue-link.db",
    "queue-hard-link.db",
    "ledger-hard-link.parquet",
)
WRITERS = (
    ("export", "--task", "signs", "--format", "csv", "--force"),
    ("init", "--force"),
    ("config", "from-stack", "outputs.json", "--force", "--file"),
)


def linked(tmp_path: Path, home: Path) -> None:
    (tmp_path / "home-link").symlink_to(home)
    (tmp_path / "queue-link.db").symlink_to(home / "queue.db")
    os.link(home / "queue.db", tmp_path / "queue-hard-link.db")
    ledger = next((home / "warehouse").rglob("*.parquet"))
    os.link(ledger, tmp_path / "ledger-hard-link.parquet")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("command", WRITERS, ids=lambda command: command[0])
def test_no_command_writes_over_what_is_in_the_home(
    mistake: Mistake, home: Path, tmp_path: Path, command: tuple[str, ...], target: str
) -> None:
    linked(tmp_path, home)
    (tmp_path / "outputs.json").write_text('{"settings": {}}')
    before = digest(tmp_path)
    mistake(*command, target, says=SAYS)
    assert digest(tmp_path) == before


@pytest.mark.parametrize(
    "command",
    [("consolidate", "signs"), ("changes", "signs", "--at", "2026-01-01")],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("name", ["ledger.parquet", "new.csv", "new.jsonl"])
def test_reports_about_assets_do_not_either(
    mistake: Mistake, home: Path, tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    (home / "ledger.parquet").write_bytes(b"a ledger")
    before = digest(tmp_path)
    mistake(*command, "--out", str(home / name), "--force", says=SAYS)
    assert digest(tmp_path) == before


@pytest.mark.parametrize("name", ["sightline.toml", "prices.toml", "own-tasks/signs.toml"])
def test_an_export_does_not_replace_what_the_settings_name(
    mistake: Mistake, home: Path, tmp_path: Path, name: str
) -> None:
    before = digest(tmp_path)
    mistake("export", name, "--task", "signs", "--format", "csv", "--force", says=SAYS)
    assert digest(tmp_path) == before


def test_an_export_of_examples_looks_at_both_of_its_files(
    mistake: Mistake, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.validation.jsonl").symlink_to(home / "queue.db")
    os.link(home / "queue.db", tmp_path / "y.train.jsonl")
    for name in ("x.jsonl", "y.jsonl"):
        mistake("export", name, "--task", "signs", "--format", "tuning", "--force", says=SAYS)
    assert (home / "queue.db").read_bytes() == b"a queue"


def test_nothing_is_rendered_into_the_home(mistake: Mistake, home: Path, tmp_path: Path) -> None:
    before = digest(tmp_path)
    mistake("render", "posters", str(home / "posters"), "--count", "1", says=SAYS)
    mistake("demo", "--dir", str(home), "--scenes", "1", says=SAYS)
    assert digest(tmp_path) == before


def test_the_settings_file_is_replaced_by_what_makes_one(
    sightline: Command, home: Path, tmp_path: Path
) -> None:
    assert sightline("init", "--force")["written"]
    assert "tasks_dir" not in (tmp_path / "sightline.toml").read_text().splitlines()[0]


def test_settings_that_cannot_be_read_can_be_replaced(
    sightline: Command, mistake: Mistake, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "sightline.toml").write_text("this is no TOML")
    mistake("init", ".sightline/queue.db", "--force", says=SAYS)
    assert sightline("init", "--force")["written"]


def test_another_project_s_home_is_guarded_by_its_option(
    mistake: Mistake, home: Path, tmp_path: Path
) -> None:
    home.rename(tmp_path / "other")
    arguments = ("--task", "signs", "--format", "csv", "--force")
    mistake("--home", "other", "export", "other/queue.db", *arguments, says=SAYS)


def test_a_file_beside_the_home_is_written(shown: Shown, home: Path, tmp_path: Path) -> None:
    (tmp_path / "sightline.toml").unlink()
    code, _, err = shown("export", "answers.csv", "--task", "signs")
    assert code == 0, err
    assert (tmp_path / "answers.csv").is_file()
