"""Errors are one line that ends with the next step; exit codes are those of docs/commands.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mistake, Shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("work", "--nonsense"), 2, "No such option: --nonsense; see `sightline work --help`"),
        (("work", "--home", "x"), 2, "--home goes before the command; see `sightline --help`"),
        (
            ("tasks", "list", "--debug"),
            2,
            "--debug goes before the command; see `sightline --help`",
        ),
        (("wrok",), 2, "see `sightline --help`"),
        (("search",), 2, "search for what? give words, --image FILE, --answer, or a filter"),
        (("search", "x", "--image", "y"), 2, "give one of them"),
        (("search", "zzzz qqqq"), 2, "knows none of the words 'zzzz qqqq'"),
        (("search", ""), 2, "search for what?"),
        (
            ("search", "--answer", "road_signs.lighting=nigth"),
            2,
            "; give one of day, night, unknown",
        ),
        (("search", "--answer", "road_signs.tilted=often"), 2, "; give one of true, false"),
        (("enqueue", "--limit", "9" * 20), 2, "is not accepted; give 1 to 2147483647"),
        (("dead-letters", "replay", "--run", "r1"), 2, "no run r1; `sightline status` lists them"),
        (("--home", "nowhere", "status", "--check"), 2, "--home nowhere does not exist"),
        (("--home", "nowhere", "budget", "r1"), 2, "--home nowhere does not exist"),
        (("budget", "r1"), 2, "no run r1; `sightline status` lists them"),
        (("search", "x", "--answer", "trees.kind=oak"), 2, "no task 'trees'; there are describe"),
        (
            ("search", "x", "--answer", "describe.kind=oak"),
            2,
            "no such field; give one of description",
        ),
        (("search", "x", "--answer", "kind"), 2, "give one such as road_signs.condition=graffiti"),
        (("search", "x", "--top", "0"), 2, "see `sightline search --help`"),
        (("enqueue", "--task", "trees"), 2, "no task 'trees'; there are: describe"),
        (("enqueue", "--box", "1,2"), 2, "--box '1,2' is not accepted"),
        (("enqueue", "--from", "soon"), 2, "--from 'soon' is not a valid time"),
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
        (("sql", "selec 1"), 2, "give one SELECT, such as `sightline sql"),
        (("--home", "", "status"), 2, "--home: it is empty, perhaps because a shell variable"),
        (("--config", " ", "status"), 2, "--config: it is empty, perhaps because a shell"),
        (("--json", "status"), 2, "--json is no option here; options of a command follow its name"),
        (("stats", "--bin", "5"), 2, "--bin 5 needs --by; give --by FIELD, too"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    mistake: Mistake, arguments: tuple[str, ...], code: int, message: str
) -> None:
    mistake(*arguments, says=message, code=code)


@pytest.mark.parametrize(
    ("home", "says"),
    [
        ((), "there are no answers yet; run `sightline enqueue` and `sightline work`"),
        (
            ("--home", "nowhere"),
            "--home nowhere does not exist; `sightline --home nowhere import DIR` creates it",
        ),
    ],
)
def test_an_evaluation_without_answers_says_what_is_next(
    mistake: Mistake, tmp_path: Path, home: tuple[str, ...], says: str
) -> None:
    (tmp_path / "truth.jsonl").write_text('{"observation_id":"x","task":"t","truth":{"a":1}}')
    mistake(*home, "evaluate", "truth.jsonl", says=says)
    mistake(*home, "evaluate", "truth.jsonl", "--json", says=says)


def test_an_error_in_the_settings_names_the_key(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKER__GRACE_S", "soon")
    code, _, err = shown("status")
    assert code == 2
    assert "worker.grace_s = 'soon' is not accepted; accepted: a number, 0 to 604_800" in err


def test_a_task_file_with_a_mistake_is_told_with_line_and_key(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.toml").write_text('name = "a"\nprompt = "?"\n[fields.x]\ntype="enm"\n')
    (tmp_path / "sightline.toml").write_text('tasks_dir = "mine"\n')
    code, _, err = shown("enqueue")
    assert code == 2
    assert "a.toml, line 4: fields.x.type: 'enm' is not one of string, enum" in err


def test_a_tasks_folder_that_is_not_there_is_named(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "sightline.toml").write_text('tasks_dir = "nope"\n')
    code, _, err = shown("tasks", "list")
    assert code == 2
    assert "nope' is not a folder; create it, or unset it" in err


@pytest.mark.parametrize(
    "line", [b'{"observation_id":"x","task":"t","truth":3}', b"\xff", b"[" * 100_000, b"7"]
)
def test_a_truth_that_is_none_is_told_in_one_line(
    mistake: Mistake, tmp_path: Path, line: bytes
) -> None:
    (tmp_path / "truth.jsonl").write_bytes(line)
    mistake("evaluate", "truth.jsonl", says="truth.jsonl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "is not GeoJSON"),
        ('{"type":"Polygon","coordinates":[[[0,0],[NaN,2],[2,2],[0,0]]]}', "is not GeoJSON"),
        ('{"type":"Polygone","coordinates":[]}', "is not GeoJSON: it has a 'Polygone'"),
        ('{"type":"Feature","geometry":null,"properties":null}', "contains no polygon; give"),
        (
            '{"type":"Polygon","coordinates":[[[0,0],[9e5,0],[9e5,9e5],[0,9e5],[0,0]]]}',
            "are not degrees, and it does not declare a CRS; export it as EPSG:4326",
        ),
        (
            '{"type":"Polygon","coordinates":[[[179,0],[-179,0],[-179,2],[179,2],[179,0]]]}',
            "crosses the antimeridian; cut it in two there",
        ),
    ],
)
def test_an_area_that_cannot_be_used_is_told_in_one_line(
    mistake: Mistake, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "area.json").write_text(text)
    mistake("enqueue", "--polygon", "area.json", says=message)


def test_a_file_name_cannot_command_the_terminal(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "\x1b[31mred\nnext.jpg").write_bytes(b"")
    code, out, err = shown("import", "photos")
    assert code == 1
    assert "\x1b" not in out + err
    assert "\\x1b[31mred\\nnext.jpg" in out


def test_an_import_that_ctrl_c_broke_off_is_no_internal_error(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_settings: object) -> None:
        raise ImportError("numpy") from KeyboardInterrupt()

    monkeypatch.setattr("sightline.operations.tasks.known_tasks", broken)
    code, _, err = shown("tasks", "list")
    assert (code, err) == (130, "sightline: interrupted; nothing that was settled is lost\n")


def test_an_error_that_is_its_own_cause_is_an_internal_error_of_one_line(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_settings: object) -> None:
        error = ValueError("a defect")
        raise error from error

    monkeypatch.setattr("sightline.operations.tasks.known_tasks", broken)
    code, _, err = shown("tasks", "list")
    assert code == 70
    assert err.startswith("sightline: internal error: ValueError: a defect; ")
    assert err.count("\n") == 1


def test_a_demo_may_be_run_in_its_own_folder(shown: Shown, tmp_path: Path) -> None:
    from sightline.cli.showcase.steps import MARKER, _make_room

    (tmp_path / MARKER).write_text("")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").write_text("")
    _make_room(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


def test_debug_shows_the_traceback(shown: Shown) -> None:
    with pytest.raises(Exception, match="no task 'trees'"):
        shown("--debug", "enqueue", "--task", "trees")


def test_a_surprise_is_one_line_too(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.operations.tasks.known_tasks", lambda _settings: 1 / 0)
    code, _, err = shown("tasks", "list")
    assert code == 70
    assert err.count("\n") == 1
    assert "ZeroDivisionError" in err
    assert "--debug" in err


def test_a_folder_in_the_way_of_the_demo_is_not_touched(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").write_text("mine")
    code, _, err = shown("demo")
    assert code == 2
    assert "is not empty and is not a demo; give another --dir" in err
    assert (tmp_path / "demo" / "precious.txt").read_text() == "mine"


def test_status_with_nothing_yet_says_how_to_begin(shown: Shown) -> None:
    code, out, err = shown("status")
    assert code == 0
    assert "no runs yet" in out
    assert "sightline import DIR" in err
    code, out, _ = shown("status", "--check", "--json")
    assert code == 0
    assert json.loads(out)["holds"] is True


def test_a_home_that_is_a_file_is_an_error_of_one_line(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = shown("--home", str(tmp_path / "file"), "status")
    assert code in {2, 4}
    assert err.count("\n") == 1
    assert "internal error" not in err
    code, out, _ = shown("--home", str(tmp_path / "file"), "doctor")
    assert code == 1
    assert "FAIL home" in out
