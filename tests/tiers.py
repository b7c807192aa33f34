"""Which tests run when, and which may be skipped: a pytest plugin.

Tests marked ``extended`` are the second tier: ``make test-all`` runs them, and continuous
integration runs an eighth of them, which ``--eighth`` selects. Where ``CI`` is set a skipped test
is a failure, unless it lacks a tool that no package index has; those are listed at the end.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Generator

import pytest

EIGHTHS = 8
NOT_IN_ANY_INDEX = {
    "bq": "BigQuery's command, which comes with gcloud",
    "gcloud": "the Google Cloud CLI, which Google publishes itself",
    "photos": "a folder of real photographs beside the checkout",
    "fish": "the shell fish, which the system's packages have",
    "pubsub-emulator": "Google's Pub/Sub emulator, which comes with gcloud",
    "zsh": "the shell zsh, which the system's packages have",
}
"""What continuous integration may lack: others (drawn images, bash) take the same tests."""

_absent: Counter[str] = Counter()


def eighth_of(nodeid: str) -> int:
    """Return the eighth, 0 to 7, that a test is in; it depends on its name alone."""
    return zlib.crc32(nodeid.encode()) % EIGHTHS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--eighth``."""
    parser.addoption(
        "--eighth",
        type=int,
        choices=range(EIGHTHS),
        help="run only this eighth (0 to 7) of the selected tests",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only the tests of the eighth that was asked for."""
    eighth = config.getoption("eighth")
    if eighth is None:
        return
    others = [item for item in items if eighth_of(item.nodeid) != eighth]
    items[:] = [item for item in items if eighth_of(item.nodeid) == eighth]
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where ``CI`` is set and nothing excuses it."""
    report = yield
    if not report.skipped or hasattr(report, "wasxfail") or not os.environ.get("CI"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(f"{tool} is absent" in reason for tool in NOT_IN_ANY_INDEX):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI is set: {reason}"
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the tests that an absent tool excuses."""
    if report.skipped and isinstance(report.longrepr, tuple):
        for tool in NOT_IN_ANY_INDEX:
            if f"{tool} is absent" in report.longrepr[2]:
                _absent[tool] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tools that were absent and excused."""
    for tool, tests in sorted(_absent.items()):
        terminalreporter.write_line(f"skipped without {NOT_IN_ANY_INDEX[tool]}: {tests} tests")
