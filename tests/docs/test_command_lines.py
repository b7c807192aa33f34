"""Every command line that the documentation shows can be typed; the runnable ones are run."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sightline.cli import main
from tests.conftest import CHECKOUT
from tests.docs.pages import GUIDES, all_pages, blocks, command_lines, spoken_commands
from tests.docs.program import commands, complaint

FIRST_READ = ("README.md", "docs/getting-started.md")
"""Pages that every change must leave as they are told."""

RUNNABLE = [
    name for name in GUIDES if any(block.kind == "run" for block in blocks(CHECKOUT / name))
]


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_command_line_of_a_page_parses(page: Path) -> None:
    listed = [command for block in blocks(page) for command in command_lines(block)]
    named = {name for path in commands() for name in (path, path.rpartition(" ")[0])}
    spoken = [command for command in spoken_commands(page) if command.text not in named]
    wrong = {
        f"{command.where}: {command.text}": problem
        for command in (*listed, *spoken)
        if (problem := complaint(command.arguments))
    }
    assert not wrong


def test_a_command_line_that_cannot_be_typed_is_noticed() -> None:
    assert "--nonsense" in complaint(["work", "--nonsense"])
    assert "nonsense" in complaint(["nonsense"])
    assert complaint(["search", "a stop sign", "--top", "many"])
    assert complaint(["dead-letters", "replay", "--reason", "image_gone"]) == ""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FIRST_READ else [pytest.mark.extended])
        for name in RUNNABLE
    ],
)
def test_the_runnable_blocks_of_a_page_run_in_order(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for block in blocks(CHECKOUT / name):
        if block.kind == "file":
            target = folder / block.argument
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
        if block.kind != "run":
            continue
        if block.language == "sql":
            relation = duckdb.sql(block.text)
            assert relation is not None
            assert relation.to_arrow_table().num_rows > 0
        for command in command_lines(block):
            with monkeypatch.context() as patch:
                for variable, value in command.environment.items():
                    patch.setenv(variable, value)
                code = main(list(command.arguments))
            output = capsys.readouterr()
            expected = int(block.argument or 0)
            assert code == expected, f"{command.where}: {command.text}\n{output.out}\n{output.err}"


def test_the_runnable_blocks_hold_nothing_else_than_commands() -> None:
    for name in GUIDES:
        for block in blocks(CHECKOUT / name):
            if block.kind == "run" and block.language != "sql":
                lines = [
                    line
                    for line in block.text.replace("\\\n", " ").splitlines()
                    if line.strip() and not line.startswith("#")
                ]
                assert len(lines) == len(command_lines(block)), block.where


def test_every_guide_of_the_list_is_there() -> None:
    assert [name for name in GUIDES if not (CHECKOUT / name).is_file()] == []
