"""A refused option is one sentence: the option, its value, and what it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sightline.cli.command_table import COMMANDS
from tests.cli.conftest import Mistake, Shown


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield command, path
        return
    for name, member in inner.items():
        yield from _commands(member, (*path, name))


def _number_options() -> Iterator[tuple[tuple[str, ...], str]]:
    for name, lazy in COMMANDS.items():
        for command, path in _commands(lazy.load(), (name,)):
            for param in command.params:
                if param.type_descriptor.annotation in {int, float}:
                    yield path, param.opts[0]


def test_every_option_that_takes_a_number_says_which_numbers_it_takes(shown: Shown) -> None:
    options = list(_number_options())
    assert (("search",), "--top") in options
    assert len(options) > 40
    for path, option in options:
        code, _, err = shown(*path, option, "twenty")
        assert code == 2
        assert re.fullmatch(
            rf"sightline: {option} twenty is not accepted; give a (whole )?number( from [\d.,]+ to"
            rf" [\d.,]+|, [\d.,]+ or more)?; see `sightline {' '.join(path)} --help`\n",
            err,
        ), err


@pytest.mark.parametrize("number", ["inf", "nan", "-inf"])
def test_no_option_takes_a_number_that_is_not_finite(shown: Shown, number: str) -> None:
    for path, option in _number_options():
        code, _, err = shown(*path, f"{option}={number}")
        assert code == 2
        assert f"{option} {number} is not accepted; " in err, (path, err)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("search", "x", "--top", "0"), "--top 0 is not accepted; give a whole number from 1 to"),
        (("search", "x", "--top", "1.5"), "--top 1.5 is not accepted; give a whole number from 1"),
        (("search", "x", "--top", ""), "--top '' is not accepted; give a whole number from 1 to"),
        (
            ("search", "x", "--top"),
            "--top needs a value; give a whole number from 1 to 10,000; see",
        ),
        (
            ("search", "x", "--near"),
            "--near needs a value; give one; see `sightline search --help`",
        ),
        (("search", "--explain=1"), "see `sightline search --help`"),
        (("--home",), "--home needs a value; give one; see `sightline --help`"),
        (("dead-letters", "list", "--limit"), "see `sightline dead-letters list --help`"),
        (("stats", "--cell", "0"), "--cell 0 is not accepted; give a number from 0.00001 to 90;"),
        (
            ("demo", "--seed", "-1"),
            "--seed -1 is not accepted; give a whole number, 0 or more; see",
        ),
        (
            ("simulate", "vertex", "--median-s", "-1"),
            "--median-s -1 is not accepted; give a number from 0 to 3,600; see",
        ),
        (
            ("simulate", "vertex", "--rate-per-s", "inf"),
            "--rate-per-s inf is not accepted; give a number from 0 to 1,000,000; see",
        ),
        (
            ("init", "--engine", "moon"),
            "--engine moon is not accepted; give one of local, gcp; see",
        ),
    ],
)
def test_a_refused_value_is_named_with_what_is_accepted(
    mistake: Mistake, arguments: tuple[str, ...], says: str
) -> None:
    mistake(*arguments, says=says)
