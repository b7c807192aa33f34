"""The producer and a worker do the job in what ``up`` made, by the settings in its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
    done = job.run(*arguments, "--json", quietly=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_job_runs_in_what_up_made_until_the_backlog_is_empty(
    begin: Begin, cloud: Cloud, tmp_path: Path
) -> None:
    environment = begin(SETTINGS, name="demo")
    outputs = environment.up().outputs
    gcs = cloud.variables["SIGHTLINE_GCS__ENDPOINT"]
    options = ["--answers", "demo", "--gcs-endpoint", gcs]
    with run_simulator(tmp_path / "vertex.log", options) as vertex:
        job = Job(cloud, vertex, tmp_path)
        job.write_settings(outputs)
        render_collection(tmp_path / "photos", count=SCENES, seed=5)
        ran(job, "upload", "photos", f"gs://{outputs['imageBucket']}/s", "--source-table", SOURCE)

        setup = ran(job, "setup")
        made = [one for one in setup["items"] if one["state"] == "made"]
        assert {one["kind"] for one in made} == {"view"}, "all but tasks' views was there"
        assert not [one for one in setup["items"] if one["state"] == "differs"]

        run = ran(job, "enqueue")["run_id"]
        assert ran(job, "work", "--drain")["answers"] == SCENES
        (balance,) = ran(job, "status", "--run", run, "--check")["runs"]
        assert (balance["written"], balance["lost"], balance["queued"]) == (2 * SCENES, 0, 0)
        assert len(ran(job, "search", QUESTION, "--top", "3")) == 3

    environment.destroy()
    assert what_is_left(cloud) == NOTHING
