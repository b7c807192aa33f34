"""Running servers for whole jobs, and a project of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.servers import run_bigquery_emulator
from scripts.stack import Stack, run_stack
from tests.cloud.project import KeptLocally, Project, control


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield all servers, with a simulator that answers at once."""
    with run_stack(tmp_path_factory.mktemp("stack"), answers="instant") as running:
        yield running


@pytest.fixture
def project(stack: Stack, tmp_path: Path) -> Iterator[Project]:
    """Yield a project without observations; faults are off.

    Its BigQuery emulator is its own: that server slows down with each statement, and its Storage
    API finds a table by its name alone, in whatever dataset.
    """
    control(stack, "faults", {"shares": {}})
    control(stack, "counters", method="DELETE")
    with run_bigquery_emulator(tmp_path / "bigquery.log") as bigquery:
        cloud = Project(replace(stack, bigquery=bigquery))
        try:
            yield cloud
        finally:
            cloud.end()
            control(stack, "faults", {"shares": {}})


@pytest.fixture
def project_kept_locally(stack: Stack, tmp_path: Path) -> Iterator[Project]:
    """Yield a project without observations whose ledgers are a folder; faults are off."""
    control(stack, "faults", {"shares": {}})
    control(stack, "counters", method="DELETE")
    local = KeptLocally(stack, folder=tmp_path)
    try:
        yield local
    finally:
        local.end()
        control(stack, "faults", {"shares": {}})
