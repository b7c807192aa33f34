"""What is printed can be typed where it is printed, also in a shell without an environment."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.cli.program import as_typed, program, started_with
from sightline.vision.scenes import render_collection
from tests.plain_shell import plain_shell

OWN = Path(sys.executable).with_name("sightline")


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """What starts this process is found out once; here it changes."""
    program.cache_clear()
    started_with(config=None, home=None)
    yield
    program.cache_clear()


@pytest.mark.parametrize(
    ("started", "path", "shown"),
    [
        (OWN, str(OWN.parent), "sightline"),
        (OWN, "/usr/bin", str(OWN)),
        (Path("sightline"), "/usr/bin", "./sightline"),
        (Path("an environment/bin/sightline"), "", "'an environment/bin/sightline'"),
        (OWN.parent / "sightline" / "__main__.py", str(OWN.parent), "sightline"),
        (OWN.parent / "sightline" / "__main__.py", "", f"{sys.executable} -m sightline"),
        (Path("/usr/bin/pytest"), "", "sightline"),
        (Path(), "", "sightline"),
    ],
)
def test_a_command_begins_with_what_started_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: Path, path: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(started)])
    monkeypatch.setenv("PATH", path)
    assert program() == shown


def test_only_commands_are_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(OWN)])
    monkeypatch.setenv("PATH", "")
    assert as_typed("next: `sightline work`, or `sightline status`") == (
        f"next: `{OWN} work`, or `{OWN} status`"
    )
    assert as_typed("sightline setup") == f"{OWN} setup"
    for text in ("a sightline is a line", "`sightline.toml`", "in /srv/sightline now"):
        assert as_typed(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("next: `sightline work`", "next: `sightline --home 'my city' work`"),
        ("sightline setup", "sightline --home 'my city' setup"),
        ("see `sightline work --help`", "see `sightline work --help`"),
        ("`sightline --home other status`", "`sightline --home other status`"),
    ],
)
def test_a_command_is_about_the_same_project(text: str, shown: str) -> None:
    started_with(config=None, home=Path("my city"))
    assert as_typed(text) == shown
    started_with(config=None, home=None)
    assert as_typed(text) == text


@pytest.mark.parametrize("where", ["", " --home 'a city'"])
def test_what_is_printed_runs_in_a_plain_shell(tmp_path: Path, where: str) -> None:
    render_collection(tmp_path / "photos", count=4, seed=3)
    output = plain_shell(f"{OWN}{where} import photos", tmp_path)
    assert (tmp_path / "a city").is_dir() is bool(where)
    commands = re.findall(r"`([^`]+)`", output.rpartition("next: ")[2])
    assert len(commands) == 2
    for command in commands:
        plain_shell(command, tmp_path)
    error = plain_shell(f"{OWN} dead-letters replays", tmp_path, code=2)
    (command,) = re.findall(r"see `([^`]+)`", error)
    plain_shell(command, tmp_path)


@pytest.mark.extended
def test_the_demo_ends_with_a_command_that_runs(tmp_path: Path) -> None:
    output = plain_shell(f"{OWN} demo --dir shown --scenes 12 --workers 1", tmp_path)
    (command,) = re.findall(r"^continue: +(.+)$", output, re.MULTILINE)
    assert "shown/scenes/" in plain_shell(command, tmp_path)


@pytest.mark.parametrize("command", ["", "tasks", "config", "index", "simulate"])
def test_without_arguments_the_help_is_shown(tmp_path: Path, command: str) -> None:
    output = plain_shell(f"{OWN} {command}", tmp_path)
    assert output == plain_shell(f"{OWN} {command} --help", tmp_path)
    assert len(output.splitlines()) > 5
