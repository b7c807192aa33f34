"""The whole job by batch jobs, as a person types it, on nothing but the servers of tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sightline as sl
from sightline.gcp.storage import StoragePlace, open_storage
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.server import VertexSimulator
from tests.cli.cloud_rig import CloudProject, make_bucket, simulator_beside
from tests.cli.conftest import Command, Mistake, Shown
from tests.gcp.servers import BigQueryEmulator, GcsServer

pytestmark = [pytest.mark.needs("go")]

IMAGES = 12


@pytest.fixture(scope="module")
def simulator(gcs: GcsServer) -> Iterator[VertexSimulator]:
    with simulator_beside(gcs) as simulator:
        yield simulator


@pytest.fixture
def project(
    new_bigquery_emulator: BigQueryEmulator,
    gcs: GcsServer,
    simulator: VertexSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sightline: Command,
) -> CloudProject:
    """Return a project with observations in its source table."""
    cloud = CloudProject(tmp_path, monkeypatch, bigquery=new_bigquery_emulator, gcs=gcs)
    simulator.behave(Behaviour())
    bucket: Any = make_bucket(gcs, cloud.bucket)
    for number in range(IMAGES):
        blob = bucket.blob(f"images/{number:03}.jpg")
        blob.upload_from_string(b"%03d" % number, content_type="image/jpeg")
    for setting, value in {
        "ENGINE": "batch",
        "VERTEX__ENDPOINT": simulator.base_url,
        "BATCH__LOOK_EVERY_S": "0.05",
        "SQL__LOOK_EVERY_S": "0.05",
        "MODELS__CLASSIFY": "gemini-3.5-flash-lite",
        "MODELS__EMBED": "gemini-embedding-2",
        "MODELS__EMBED_DIMENSION": "128",
    }.items():
        cloud.let(setting, value)
    sightline("setup")
    sightline("import", f"gs://{cloud.bucket}/images", "--asset-type", "road_sign")
    return cloud


def test_a_project_in_python_works_by_batch_jobs_too(
    sightline: Command, project: CloudProject
) -> None:
    with sl.open(settings={}) as workspace:
        run = workspace.enqueue(embed=False)
        assert run.parts == IMAGES
        summary = workspace.work()
        assert (summary.answers, summary.embeddings, summary.dead_letters) == (IMAGES, 0, {})
        assert summary.cost_usd > 0
        assert workspace.status(check=True).holds
        assert workspace.work().answers == 0


ANSWERS = "select gcs_uri, answer from classifications_current"


def answers(sightline: Command) -> dict[str, Any]:
    """Return the current answers by image."""
    return {
        row["gcs_uri"]: json.loads(row["answer"])
        if isinstance(row["answer"], str)
        else row["answer"]
        for row in sightline("sql", ANSWERS)
    }


@pytest.mark.extended
def test_the_whole_job_ends_with_the_workers_answers(
    sightline: Command, shown: Shown, project: CloudProject, gcs: GcsServer
) -> None:
    checked = {finding["what"]: finding for finding in sightline("doctor")}
    for what in ("batch models", "batch folder", "batch jobs"):
        assert checked[what]["ok"], checked[what]

    by_calls = sightline("estimate", "--engine", "gcp")
    by_jobs = sightline("estimate")
    assert by_calls["parts"] == by_jobs["parts"] == 2 * IMAGES
    assert by_jobs["cost_usd"] == pytest.approx(by_calls["cost_usd"] / 2, rel=0.01)

    run = sightline("enqueue")
    assert (run["parts"], run["messages"]) == (2 * IMAGES, IMAGES)
    code, out, err = shown("work")
    assert code == 0
    assert f"2 jobs: {IMAGES} answers, {IMAGES} embeddings, 0 dead letters" in out
    assert re.search(r"batch job projects/.*/batchPredictionJobs/\d+: succeeded", err)
    (balance,) = sightline("status", "--check")["runs"]
    assert (balance["written"], balance["parts"]) == (2 * IMAGES, 2 * IMAGES)
    assert sightline("work")["passes"] == 0, "nothing is left"
    images = {f"gs://{project.bucket}/images/{number:03}.jpg" for number in range(IMAGES)}
    by_image = answers(sightline)
    assert set(by_image) == images
    assert objects_in(gcs, project) == images, "requests and outputs are removed"

    project.let("ENGINE", "gcp")
    project.let("ADAPTERS__QUEUE", "local")
    project.let("ADAPTERS__WAREHOUSE", "local")
    sightline("import", f"gs://{project.bucket}/images", "--asset-type", "road_sign")
    sightline("enqueue", "--no-embed")
    assert sightline("work", "--drain")["answers"] == IMAGES
    assert answers(sightline) == by_image


def objects_in(gcs: GcsServer, project: CloudProject) -> set[str]:
    """Return the URIs of all objects in the project's bucket."""
    with open_storage(StoragePlace("p", gcs.endpoint)) as client:
        return {f"gs://{project.bucket}/{blob.name}" for blob in client.list_blobs(project.bucket)}


@pytest.mark.extended
def test_dead_letters_budgets_and_other_engines(
    sightline: Command, mistake: Mistake, project: CloudProject, simulator: VertexSimulator
) -> None:
    run = sightline("enqueue", "--no-embed", "--max-images", "5")["run_id"]
    simulator.behave(Behaviour(faults=FaultMix({Fault.IMAGE_UNREADABLE: 1.0})))
    stopped = sightline("work", code=5)
    assert (stopped["dead"], stopped["passes"]) == ({"image_unreadable": 5}, 1)
    assert "the budget of run" in stopped["stopped_by"]
    listed = sightline("dead-letters", "list")
    assert {letter["reason"] for letter in listed} == {"image_unreadable"}
    assert all("not valid" in letter["detail"] for letter in listed)

    simulator.behave(Behaviour())
    assert sightline("dead-letters", "replay", "--yes") == {"replay": 5}
    sightline("budget", run, "--max-images", "100")
    project.let("SQL__CONNECTION", "p.us.c")
    assert sightline("work", "--engine", "bigquery")["passes"] == 0, "it is not that engine's run"
    says = "`sightline work --engine batch` continues it"
    mistake("enqueue", "--engine", "bigquery", "--reconcile", run, says=says)
    summary = sightline("work")
    assert (summary["answers"], summary["dead"]) == (IMAGES, {})
    (balance,) = sightline("status", "--check")["runs"]
    assert (balance["written"], balance["dead"]) == (IMAGES, 0)


@pytest.mark.extended
def test_what_cannot_be_asked_so_is_refused_with_the_way_out(
    sightline: Command, mistake: Mistake, shown: Shown, project: CloudProject
) -> None:
    project.let("MODELS__EMBED", "multimodalembedding@001")
    mistake("enqueue", says="--engine bigquery")
    checked = {finding["what"]: finding for finding in sightline("doctor", code=1)}
    assert "cannot be called by batch prediction jobs" in checked["batch models"]["detail"]
    project.let("MODELS__CLASSIFY", "demo-1")
    mistake("enqueue", "--no-embed", says="set models.classify to a Gemini model")
    project.let("MODELS__CLASSIFY", "gemini-3.5-flash-lite")
    assert shown("enqueue", "--no-embed")[0] == 0
    project.let("GCS__BUCKET", "")
    mistake("work", says="set batch.bucket to gs://BUCKET/PREFIX")
    project.let("BATCH__BUCKET", "no-such-bucket-at-all")
    mistake("work", says="set batch.bucket to an existing one")
    mistake("work", "--watch", says="`sightline status --watch` shows runs")
    project.let("BATCH__REQUESTS_A_JOB", "200001")
    accepted = "a whole number, 1 to 200_000"
    mistake("work", says=f"batch.requests_a_job = 200001 is not accepted; accepted: {accepted}")
