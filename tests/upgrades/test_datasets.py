"""The tables of a dataset that an earlier version filled are used as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.servers import run_bigquery_emulator
from scripts.stack import Stack
from tests.cloud.conftest import stack
from tests.cloud.project import Project
from tests.upgrades.kept import EXPECTED, Dataset, folder_of, versions
from tests.upgrades.make import SMALL

__all__ = ["stack"]

pytestmark = pytest.mark.needs("go")


@pytest.fixture(params=versions())
def version(request: pytest.FixtureRequest) -> str:
    """Return a version that has left a dataset."""
    return str(request.param)


@pytest.fixture
def project(stack: Stack, version: str, tmp_path: Path) -> Iterator[Project]:
    """Yield a project over the dataset, with a queue that has none of its messages."""
    dataset = Dataset.from_file(folder_of(version) / "dataset.json.xz")
    with run_bigquery_emulator(tmp_path / "bigquery.log") as bigquery:
        dataset.load(bigquery)
        loaded = Project(replace(stack, bigquery=bigquery), dataset.name)
        try:
            yield loaded
        finally:
            loaded.end()


def by_run(status: Mapping[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    """Return some of each run's numbers."""
    return {run["run_id"]: tuple(run[name] for name in names) for run in status["runs"]}


@pytest.mark.extended
def test_a_kept_dataset_balances_and_what_its_queue_has_lost_is_published_again(
    project: Project, version: str
) -> None:
    text = (folder_of(version) / f"dataset.{EXPECTED}").read_text(encoding="utf-8")
    expected = json.loads(text)
    project.run("setup", more=SMALL)
    report = project.run("status", "--check", more=SMALL)
    numbers = ("parts", "written", "dead", "cancelled", "duplicates", "cost_usd", "budget")
    assert by_run(report, *numbers) == by_run(expected, *numbers)
    assert report["dead_letters"] == expected["dead_letters"]

    (open_run,) = [run for run in expected["runs"] if run["queued"]]
    project.run("budget", open_run["run_id"], "--max-images", "1000", more=SMALL)
    again = project.run("enqueue", "--reconcile", open_run["run_id"], more=SMALL)
    assert again["messages"] == open_run["queued"] // 2
    (summary,) = project.work(1, more=SMALL)
    assert summary["answers"] + summary["embeddings"] == open_run["queued"]
    finished = project.balance(open_run["run_id"])
    assert (finished["written"], finished["queued"]) == (open_run["parts"], 0)
