"""The tiers of the tests: each is in one eighth, and what is skipped where ``CI`` is set fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.tiers import EIGHTHS, eighth_of

CHECKOUT = Path(__file__).parents[2]

SKIPPED = """
import pytest

@pytest.mark.skipif(True, reason="the moon is full")
def test_marked():
    pass

def test_called():
    pytest.skip("the moon is full")

def test_excused():
    pytest.skip("pubsub-emulator is absent")

@pytest.mark.xfail(reason="known")
def test_expected():
    assert False
"""
MANY = """
import pytest

@pytest.mark.parametrize("number", range(100))
def test_it(number):
    pass
"""


def outcome_of(tests: str, folder: Path, *arguments: str, ci: str = "") -> str:
    """Run tests in a process of its own; return what it printed."""
    (folder / "test_it.py").write_text(tests)
    options = ["-p", "tests.tiers", "-p", "no:cacheprovider", "-rs", *arguments]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_on_a_person_s_machine_tests_may_be_skipped(tmp_path: Path) -> None:
    assert "3 skipped, 1 xfailed" in outcome_of(SKIPPED, tmp_path)


def test_where_ci_is_set_only_an_excused_test_is_skipped_and_its_tool_is_listed(
    tmp_path: Path,
) -> None:
    outcomes = outcome_of(SKIPPED, tmp_path, ci="true")
    assert "1 failed, 1 skipped, 1 xfailed, 1 error" in outcomes
    assert "was skipped, and CI is set: Skipped: the moon is full" in outcomes
    assert "skipped without Google's Pub/Sub emulator, which comes with gcloud: 1 tests" in outcomes


def test_the_eighths_are_all_tests_and_no_test_is_in_two(tmp_path: Path) -> None:
    names = [f"test_it.py::test_it[{number}]" for number in range(100)]
    counts = [sum(eighth_of(name) == eighth for name in names) for eighth in range(EIGHTHS)]
    assert all(counts)
    outcomes = outcome_of(MANY, tmp_path, "--eighth", "3")
    assert f"{counts[3]} passed, {100 - counts[3]} deselected" in outcomes


def test_an_eighth_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "passed" not in outcome_of(MANY, tmp_path, "--eighth", "8")
