"""A table that is too wide for the terminal is printed row by row, so that nothing is broken."""

from __future__ import annotations

import pytest

from sightline.cli.output import print_table

COLUMNS = ("task", "answers", "description")
ROWS = (
    ("road_signs", 5, "What each road sign says, and the state that it is in"),
    ("poles", 1200, ""),
)
TABLE = """\
  task        answers  description
  road_signs        5  What each road sign says, and the state that it is in
  poles         1,200
"""
WIDTH = max(map(len, TABLE.splitlines()))
BLOCKS = """\
  task         road_signs
  answers      5
  description  What each road sign
               says, and the state
               that it is in

  task         poles
  answers      1,200
  description
"""


@pytest.mark.parametrize(
    ("width", "is_terminal", "expected"),
    [(36, True, BLOCKS), (36, False, TABLE), (WIDTH, True, TABLE)],
)
def test_a_table_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    width: int,
    is_terminal: bool,
    expected: str,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    print_table("", COLUMNS, ROWS)
    assert capsys.readouterr().out == expected
    monkeypatch.setenv("COLUMNS", str(WIDTH - 1))
    print_table("", COLUMNS, ROWS)
    assert (capsys.readouterr().out == TABLE) is not is_terminal


def test_a_word_that_is_wider_than_the_terminal_is_not_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    uri = "file:///photos/" + "a-b-" * 20 + ".jpg"
    print_table("", ("image", "n"), [(uri, 1)])
    assert uri in capsys.readouterr().out
