"""A project of the local engine that an earlier version made is opened, finished and kept tidy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.stack import run_simulator
from tests.upgrades.kept import EXPECTED, folder_of, unpack_project, versions
from tests.upgrades.make import SMALL

MODELS = {
    "SIGHTLINE_ADAPTERS__CLASSIFY": "vertex",
    "SIGHTLINE_ADAPTERS__EMBED": "vertex",
    "SIGHTLINE_GCP__PROJECT": "sightline-test",
    "SIGHTLINE_MODELS__CLASSIFY": "gemini-3.5-flash-lite",
    "SIGHTLINE_MODELS__EMBED": "gemini-embedding-2",
    "SIGHTLINE_WORKER__DRAIN_IDLE_S": "0",
    **SMALL,
}
"""The settings that a kept project was made with, but for where its models are."""


class Kept:
    """A project, used through the command line."""

    def __init__(self, home: Path, version: str) -> None:
        self.home = home
        text = (folder_of(version) / f"project.{EXPECTED}").read_text(encoding="utf-8")
        self.expected: dict[str, Any] = json.loads(text)

    def run(self, *arguments: str, vertex: str = "") -> Any:
        """Run a command and return the JSON it printed; ``vertex`` is where models are asked."""
        completed = subprocess.run(
            [sys.executable, "-m", "sightline", "--home", str(self.home), *arguments, "--json"],
            env={**os.environ, **MODELS, "SIGHTLINE_VERTEX__ENDPOINT": vertex},
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return json.loads(completed.stdout)


@pytest.fixture(params=versions())
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Return a project as a version has left it."""
    archive = folder_of(request.param) / "project.tar.xz"
    return Kept(unpack_project(archive, tmp_path), request.param)


def test_a_kept_project_balances_as_it_did(kept: Kept) -> None:
    report = kept.run("status", "--check")
    assert report["runs"] == kept.expected["runs"]
    assert report["dead_letters"] == kept.expected["dead_letters"]
    assert report["queue"]["ready"] == kept.expected["queue"]["ready"]


def test_a_kept_project_s_open_run_is_finished_and_nothing_is_done_again(
    kept: Kept, tmp_path: Path
) -> None:
    (open_run,) = [run for run in kept.expected["runs"] if run["queued"]]
    kept.run("budget", open_run["run_id"], "--max-images", "1000")
    with run_simulator(tmp_path / "vertex.log", ["--answers", "instant"]) as vertex:
        summary = kept.run("work", "--drain", vertex=vertex)
    assert summary["answers"] + summary["embeddings"] == open_run["queued"]
    (finished,) = [
        run for run in kept.run("status", "--check")["runs"] if run["run_id"] == open_run["run_id"]
    ]
    assert (finished["written"], finished["queued"]) == (open_run["parts"], 0)
    assert finished["settled"]


def test_a_kept_project_s_dead_letters_are_replayed(kept: Kept) -> None:
    before = kept.expected["dead_letters"]
    reason = max(before, key=before.get)
    kept.run("dead-letters", "replay", "--reason", reason)
    left = {
        reason_listed: count for reason_listed, count in before.items() if reason_listed != reason
    }
    assert kept.run("status", "--check")["dead_letters"] == left


def test_compaction_of_a_kept_project_changes_no_row_that_is_shown(kept: Kept) -> None:
    views = ("classifications_all", "embeddings_all", "dead_letters_latest", "observations_current")
    query = " union all ".join(f"select '{view}' v, count(*) n from {view}" for view in views)
    before = kept.run("sql", query)
    assert all(row["n"] for row in before)
    assert kept.run("compact", "--all")
    assert kept.run("sql", query) == before
    assert kept.run("status", "--check")["runs"] == kept.expected["runs"]
