"""Running servers for whole jobs, and a project of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.stack import Stack, run_stack
from tests.cloud.project import Project, control


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield all servers, with a simulator that answers at once."""
    with run_stack(tmp_path_factory.mktemp("stack"), answers="instant") as running:
        yield running


@pytest.fixture
def project(stack: Stack) -> Iterator[Project]:
    """Yield a project without observations; faults are off."""
    control(stack, "faults", {"shares": {}})
    control(stack, "counters", method="DELETE")
    one = Project(stack)
    try:
        yield one
    finally:
        one.end()
        control(stack, "faults", {"shares": {}})
