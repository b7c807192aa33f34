"""The producer and a worker do the job in what ``up`` made, by the settings in its outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.environment import Environment
from scripts.local_cloud import Cloud
from scripts.stack import run_simulator
from scripts.up_demo import QUESTION, SETTINGS, SOURCE, Job
from sightline.vision.scenes import render_collection
from tests.infra.engine import NOTHING, Begin, begin, cloud, what_is_left

__all__ = ["begin", "cloud"]

pytestmark = pytest.mark.needs("go")

SCENES = 20


def ran(job: Job, *arguments: str) -> Any:
    """Run a command and return the JSON that it printed."""
    completed = job.run(*arguments, "--json", quietly=True)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return json.loads(completed.stdout)


def check_the_job(environment: Environment, vertex: str, folder: Path) -> None:
    """Do the job in what a stack's outputs name, and check that all of it is done."""
    outputs = environment.outputs()
    job = Job(environment.cloud, vertex, folder)
    job.write_settings(outputs)
    render_collection(folder / "photos", count=SCENES, seed=5)
    ran(job, "upload", "photos", f"gs://{outputs['imageBucket']}/s", "--source-table", SOURCE)

    setup = ran(job, "setup")
    created = [item for item in setup["items"] if item["state"] == "made"]
    assert {item["kind"] for item in created} == {"view"}, created
    assert not [item for item in setup["items"] if item["state"] == "differs"]

    findings = json.loads(job.run("doctor", "--json", quietly=True).stdout)
    (others,) = [finding["detail"] for finding in findings if finding["what"] == "other workers"]
    assert others.startswith("they see each other in gs://")

    run = ran(job, "enqueue")["run_id"]
    assert ran(job, "work", "--drain")["answers"] == SCENES
    (balance,) = ran(job, "status", "--run", run, "--check")["runs"]
    assert (balance["written"], balance["lost"], balance["queued"]) == (2 * SCENES, 0, 0)
    assert len(ran(job, "search", QUESTION, "--top", "3")) == 3


@pytest.fixture
def vertex(cloud: Cloud, tmp_path: Path) -> Iterator[str]:
    """Yield a simulator that answers as the demo model does."""
    gcs = cloud.variables["SIGHTLINE_GCS__ENDPOINT"]
    options = ["--answers", "demo", "--gcs-endpoint", gcs]
    with run_simulator(tmp_path / "vertex.log", options) as url:
        yield url


@pytest.mark.extended
def test_the_job_runs_in_what_up_made_and_nothing_is_left_of_it(
    begin: Begin, cloud: Cloud, vertex: str, tmp_path: Path
) -> None:
    environment = begin(SETTINGS, name="demo")
    environment.up()
    check_the_job(environment, vertex, tmp_path)
    environment.destroy()
    assert what_is_left(cloud) == NOTHING
