"""``sightline --help`` lists every command in a group."""

from __future__ import annotations

from importlib import import_module

import pytest

from sightline.cli.command_table import COMMANDS
from tests.cli.conftest import Shown
from tests.conftest import CHECKOUT
from tests.docs.program import ROOT, groups

GROUPS = [name for name, command in COMMANDS.items() if command.target.endswith(":app")]


def test_every_command_is_in_one_group(shown: Shown) -> None:
    code, out, _ = shown("--help")
    assert code == 0
    listed: dict[str, list[str]] = {}
    for block in out.split("\n\n"):
        title, *lines = block.splitlines()
        if title.endswith(":") and title not in ("Options:", "Usage:"):
            listed[title.removesuffix(":")] = [line.split()[0] for line in lines]
    assert listed == groups()
    assert sorted(name for names in listed.values() for name in names) == sorted(ROOT.commands)


def test_the_table_of_commands_names_every_module_and_what_each_says() -> None:
    folder = CHECKOUT / "sightline" / "cli" / "commands"
    targets = [command.target.partition(":")[0] for command in COMMANDS.values()]
    modules = {path.stem for path in folder.iterdir() if not path.name.startswith("_")}
    parts_of_work = {"work_batches"}
    assert {target.rpartition(".")[2] for target in targets} == modules - parts_of_work
    for name, command in COMMANDS.items():
        loaded = command.load()
        assert loaded.name == name
        module = import_module(command.target.partition(":")[0])
        assert f"``sightline {name}" in (module.__doc__ or "")
        if hasattr(loaded, "commands"):
            assert loaded.help == command.short_help


@pytest.mark.parametrize("path", ["", *sorted(GROUPS)])
def test_no_line_of_a_list_of_commands_is_cut_off(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = shown(*path.split(), "--help")
    assert code == 0
    assert "..." not in out.replace("COMMAND [ARGS]...", "").replace("[NAMES]...", "")
