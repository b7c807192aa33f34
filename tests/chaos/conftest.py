"""The home folder of each test here, and the sums of all rounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.harness import Home
from tests.chaos.tally import TALLY


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return an empty home; what is still running at the end is killed."""
    path = tmp_path / "home"
    path.mkdir()
    home = Home(path)
    yield home
    home.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the rounds came to."""
    if TALLY.counts:
        terminalreporter.section("rounds of chaos")
        for line in TALLY.lines():
            terminalreporter.write_line(line)
