"""Errors are one line that ends with the next step; exit codes are those of docs/commands.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in an empty folder: (code, out, err)."""
    monkeypatch.chdir(tmp_path)

    def run_(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run_


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("work", "--fast"), 2, "No such option: --fast; see `sightline work --help`"),
        (("wrok",), 2, "see `sightline --help`"),
        (("search",), 2, "search for what? give words, or --image FILE, or --answer"),
        (("search", "x", "--answer", "trees.kind=oak"), 2, "no task 'trees'; there are describe"),
        (("search", "x", "--answer", "describe.kind=oak"), 2, "has the fields description"),
        (("search", "x", "--answer", "kind"), 2, "give one such as road_signs.condition=graffiti"),
        (("search", "x", "--top", "0"), 2, "see `sightline search --help`"),
        (("enqueue", "--task", "trees"), 2, "no task 'trees'; there are: describe"),
        (("enqueue", "--box", "1,2"), 2, "--box '1,2' is not accepted"),
        (("enqueue", "--from", "soon"), 2, "--from 'soon' is no time"),
        (("enqueue", "--resume", "r1"), 2, "no run r1; `sightline status` lists them"),
        (("cancel", "r1"), 2, "no run r1; `sightline status` lists them"),
        (("status", "--run", "r1"), 2, "no run r1; `sightline status` lists them"),
        (
            ("dead-letters", "list", "--reason", "moon"),
            2,
            "--reason 'moon' is not accepted; give one of bad_",
        ),
        (("dead-letters", "replay"), 2, "give --reason, --run, or --yes"),
        (("tasks", "show", "trees"), 2, "`sightline tasks list`"),
        (("tasks", "check", "no.toml"), 2, "no task file no.toml"),
        (("import", "nowhere"), 2, "nowhere does not exist; give a folder"),
        (("import", ".", "--column", "x"), 2, "--column 'x' is not accepted; give name=other"),
        (("evaluate", "no.jsonl"), 2, "give a ground_truth.jsonl"),
        (("--config", "no.toml", "status"), 2, "no settings file no.toml; give --config FILE"),
        (("sql", "select nope"), 2, "nope"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    run: Run, arguments: tuple[str, ...], code: int, said: str
) -> None:
    got, out, err = run(*arguments)
    assert (got, out) == (code, "")
    assert err.startswith("sightline: ")
    assert err.count("\n") == 1
    assert said in err
    assert "Traceback" not in err


def test_an_error_in_the_settings_names_the_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKER__GRACE_S", "soon")
    code, _, err = run("status")
    assert code == 2
    assert "worker.grace_s = 'soon' is not accepted; accepted: 2.5" in err


def test_a_task_file_with_a_mistake_is_told_with_line_and_key(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.toml").write_text('name = "a"\nprompt = "?"\n[fields.x]\ntype="enm"\n')
    (tmp_path / "sightline.toml").write_text('tasks_dir = "mine"\n')
    code, _, err = run("enqueue")
    assert code == 2
    assert "a.toml, line 4: fields.x.type: 'enm' is not one of string, enum" in err


def test_debug_shows_the_traceback(run: Run) -> None:
    with pytest.raises(Exception, match="no task 'trees'"):
        run("--debug", "enqueue", "--task", "trees")


def test_a_surprise_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.wiring.known_tasks", lambda _settings: 1 / 0)
    code, _, err = run("tasks", "list")
    assert code == 70
    assert err.count("\n") == 1
    assert "ZeroDivisionError" in err
    assert "--debug" in err


def test_a_folder_in_the_way_of_the_demo_is_not_touched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").write_text("mine")
    code, _, err = run("demo")
    assert code == 2
    assert "is not empty and no demo; give another --dir" in err
    assert (tmp_path / "demo" / "precious.txt").read_text() == "mine"


def test_status_with_nothing_yet_says_how_to_begin(run: Run) -> None:
    code, out, err = run("status")
    assert code == 0
    assert "no runs yet" in out
    assert "sightline import DIR" in err
    code, out, _ = run("status", "--check", "--json")
    assert code == 0
    assert json.loads(out)["holds"] is True


def test_a_home_that_is_a_file_is_an_error_of_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = run("--home", str(tmp_path / "file"), "status")
    assert code in {2, 4}
    assert err.count("\n") == 1
    assert "internal error" not in err
    code, out, _ = run("--home", str(tmp_path / "file"), "doctor")
    assert code == 1
    assert "FAIL home" in out
