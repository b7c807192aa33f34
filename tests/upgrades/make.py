"""Makes what today's version leaves behind, for later versions to open.

    python -m tests.upgrades.make v0_2

writes three things into a folder beside this file: a project of the local engine, the tables of a
dataset in BigQuery, and, for each kind of fleet, a stack's exported state with the calls that made
it. Run it once, when a version is released; what is there already is never made again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from scripts.environment import Environment, infrastructure
from scripts.local_cloud import run_cloud
from scripts.servers import run_bigquery_emulator
from scripts.stack import Stack, run_stack
from tests.cloud.project import KeptLocally, Project, control, set_faults
from tests.infra.engine import DEV
from tests.shared.given_up import GIVEN_UP
from tests.upgrades.kept import EXPECTED, FLEETS, Dataset, KeptStack, folder_of, pack_project

OBSERVATIONS = 90
FIRST = 60
"""Observations of the first run; those of the second are the rest."""
BUDGET_IMAGES = 12
DEAD_SHARE = 0.3
SMALL = {"SIGHTLINE_MODELS__EMBED_DIMENSION": "128", "SIGHTLINE_WORKER__DRAIN_IDLE_S": "1"}


class LocalEngine(KeptLocally):
    """A project whose queue and ledgers are a folder; only its models are the simulator's."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its processes."""
        return {**super().environment, "SIGHTLINE_ADAPTERS__QUEUE": "local"}


def do_the_job(project: Project) -> Mapping[str, Any]:
    """Leave something of everything behind; return what ``status --check`` says in the end."""
    stack = project.stack
    project.fill(OBSERVATIONS)
    if not isinstance(project, LocalEngine):
        project.run("setup", more=SMALL)
    project.run("enqueue", "--limit", str(FIRST), more=SMALL)
    set_faults(stack, tuple(GIVEN_UP), DEAD_SHARE)
    project.work(1, more=SMALL)
    control(stack, "faults", {"shares": {}})
    reasons = sorted(project.dead())
    project.run("dead-letters", "replay", "--reason", reasons[0], more=SMALL)
    project.work(1, more=SMALL)
    project.run("dead-letters", "purge", "--reason", reasons[-1], more=SMALL)
    project.run("compact", "--all", more=SMALL)
    project.run("enqueue", "--max-images", str(BUDGET_IMAGES), more=SMALL)
    project.finish(project.start("work", "--drain", "--json", more=SMALL), code=5)
    cancelled = project.run("enqueue", "--task", "describe", "--no-embed", more=SMALL)
    project.run("cancel", cancelled["run_id"], more=SMALL)
    return dict(project.run("status", "--check", more=SMALL))


def make_project(stack: Stack, work: Path, target: Path) -> None:
    """Make a project of the local engine."""
    project = LocalEngine(stack, folder=work)
    try:
        expected = do_the_job(project)
    finally:
        project.end()
    pack_project(work / "home", target / "project.tar.xz")
    (target / f"project.{EXPECTED}").write_text(json.dumps(expected, indent=1) + "\n")


def make_dataset(stack: Stack, work: Path, target: Path) -> None:
    """Make the tables of a dataset."""
    with run_bigquery_emulator(work / "bigquery.log") as bigquery:
        project = Project(replace(stack, bigquery=bigquery))
        try:
            expected = do_the_job(project)
        finally:
            project.end()
        Dataset.read(bigquery, project.name).write(target / "dataset.json.xz")
    (target / f"dataset.{EXPECTED}").write_text(json.dumps(expected, indent=1) + "\n")


def make_stack(work: Path, *, target: Path, fleet: str) -> None:
    """Make a stack with one kind of fleet."""
    with run_cloud(work) as cloud:
        stack = Environment(
            cloud, work / "dev", infrastructure(cloud), settings={**DEV, "fleet": fleet}
        )
        stack.up()
        KeptStack.of(stack, {**DEV, "fleet": fleet}).write(target / f"stack-{fleet}.json.xz")


def main(version: str) -> int:
    """Make what is not there yet; return the exit code."""
    target = folder_of(version)
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        with run_stack(work / "servers", answers="instant") as stack:
            _make(target / "project.tar.xz", work, lambda at: make_project(stack, at, target))
            _make(target / "dataset.json.xz", work, lambda at: make_dataset(stack, at, target))
        for fleet in FLEETS:
            file = target / f"stack-{fleet}.json.xz"
            _make(file, work, partial(make_stack, target=target, fleet=fleet))
    return 0


def _make(file: Path, work: Path, make: Callable[[Path], None]) -> None:
    if not file.exists():
        print(f"making {file.name}", file=sys.stderr)
        at = work / file.name
        at.mkdir()
        make(at)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
