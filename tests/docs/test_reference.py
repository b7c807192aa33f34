"""The reference pages say what the program has: settings, commands, reasons, ledgers."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.settings_page import PAGE, page
from sightline import errors
from sightline.cli import EXIT_INTERNAL, EXIT_INTERRUPTED
from sightline.cli.commands.doctor import EXIT_UNWELL
from sightline.cli.commands.status import EXIT_UNBALANCED
from sightline.errors import Reason, SightlineError
from sightline.local.warehouse import connect
from sightline.model import Balance
from sightline.schema import LEDGERS, Ledger, embeddings_ledger
from sightline.settings import Settings
from tests.conftest import CHECKOUT
from tests.docs.pages import code, rows, sections
from tests.docs.program import commands, groups, spellings

DOCS = CHECKOUT / "docs"
NOT_SET = "not set"


def defaults(settings: Any = None, at: str = "") -> dict[str, Any]:
    """Return every setting by its dotted name, with its default."""
    by_name: dict[str, Any] = {}
    current = Settings() if settings is None else settings
    for setting in fields(current):
        value = getattr(current, setting.name)
        if is_dataclass(value):
            by_name |= defaults(value, f"{at}{setting.name}.")
        else:
            plain = list(value) if isinstance(value, tuple) else value
            by_name[at + setting.name] = str(plain) if isinstance(plain, Path) else plain
    return by_name


def test_every_setting_is_documented_with_its_default() -> None:
    listed = {
        code(name): None if default == NOT_SET else tomllib.loads(f"v = {code(default)}")["v"]
        for name, default, accepted, meaning in rows(
            (DOCS / "settings.md").read_text(encoding="utf-8")
        )
        if accepted and meaning
    }
    assert listed == defaults()


def test_the_page_of_the_settings_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    again = "run `python -m scripts.settings_page`"
    assert page(text) == text, f"docs/settings.md is out of date; {again}"


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(sections(DOCS / "commands.md", 3)) == set(commands())


def test_the_sections_are_in_the_groups_of_the_help_in_its_order() -> None:
    by_group: dict[str, list[str]] = {}
    title = ""
    for line in (DOCS / "commands.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line.startswith("### `sightline "):
            by_group.setdefault(title, []).append(line.strip("# `").split()[1])
    assert {group: list(dict.fromkeys(names)) for group, names in by_group.items()} == groups()
    assert list(by_group) == list(groups())


@pytest.mark.parametrize("name", commands())
def test_every_option_of_a_command_is_documented_and_no_other(name: str) -> None:
    section = sections(DOCS / "commands.md", 3)[name]
    listed = {code(cells[0]): cells[-1] for cells in rows(section)}
    assert set(listed) == spellings(commands()[name])
    assert all(listed.values()), "an option without a meaning"


@pytest.mark.parametrize("name", commands())
def test_every_default_of_an_option_is_documented(name: str) -> None:
    section = sections(DOCS / "commands.md", 3)[name]
    listed = {code(cells[0]): cells[1] for cells in rows(section)}
    for parameter in commands()[name].params:
        if parameter.param_type_name == "argument" or isinstance(
            parameter.default, bool | type(None)
        ):
            continue
        if parameter.opts[0] in listed and isinstance(parameter.default, str | int | Path):
            assert code(listed[parameter.opts[0]]) == str(parameter.default), parameter.opts[0]


def test_every_exit_code_is_explained() -> None:
    section = sections(DOCS / "commands.md", 2)["Exit codes"]
    listed = {int(code(cells[0])) for cells in rows(section)}
    raised = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, SightlineError)
    }
    assert listed == {
        0, EXIT_UNWELL, EXIT_UNBALANCED, EXIT_INTERNAL, EXIT_INTERRUPTED, *raised
    }  # fmt: skip


def test_every_reason_says_in_one_sentence_what_to_do() -> None:
    listed = {
        code(cells[0]): cells[-1]
        for cells in rows(sections(DOCS / "dead-letters.md", 2)["The reasons"])
    }
    assert list(listed) == [reason.value for reason in Reason]
    for reason, advice in listed.items():
        text = re.sub(r"`[^`]*`", "x", advice)
        assert [match.end() for match in re.finditer(r"[.!?](?:\s|$)", text)] == [len(text)], reason


def test_every_state_of_the_balance_is_explained() -> None:
    section = sections(DOCS / "run-a-job.md", 2)["Is anything lost?"]
    listed = {code(cells[0]) for cells in rows(section)}
    states = {state.name for state in fields(Balance)} - {"run_id", "parts"}
    assert {title.replace(" ", "_") for title in listed} == {*states, "holds"}


def expected_table(ledger: Ledger) -> list[list[str]]:
    return [
        [
            f"`{column.name}`",
            column.type + (", list" if column.repeated else "") + (", required" * column.required),
            column.description,
        ]
        for column in ledger.columns
    ]


@pytest.mark.parametrize(
    "ledger", [*LEDGERS, embeddings_ledger("demo-1", 256)], ids=lambda ledger: ledger.name
)
def test_every_column_of_a_ledger_is_documented(ledger: Ledger) -> None:
    section = sections(DOCS / "warehouse.md", 3)[ledger.name]
    expected = expected_table(ledger)
    paste = "\n".join(f"| {' | '.join(cells)} |" for cells in expected)
    assert rows(section) == expected, f"the table of {ledger.name} should be:\n{paste}"


def test_every_view_is_documented(tmp_path: Path) -> None:
    with connect(tmp_path / "warehouse", source=tmp_path / "source") as connection:
        names = {
            str(name)
            for (name,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        }
    listed = {code(cells[0]) for cells in rows(sections(DOCS / "warehouse.md", 2)["Views"])}
    assert names - {ledger.name for ledger in LEDGERS} <= listed


def test_no_view_is_documented_that_is_not_there(tmp_path: Path) -> None:
    listed = {code(cells[0]) for cells in rows(sections(DOCS / "warehouse.md", 2)["Views"])}
    general = {name for name in listed if "<" not in name}
    with connect(tmp_path / "warehouse", source=tmp_path / "source") as connection:
        for name in general:
            connection.execute(f'SELECT * FROM "{name}" LIMIT 0')
