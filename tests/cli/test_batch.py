"""The whole job by batch jobs, as a person types it, on nothing but the servers of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sightline.sim.vertex import Behaviour
from sightline.sim.vertex.server import VertexSimulator
from tests.cli.cloud_rig import CloudProject, make_bucket, simulator_beside
from tests.cli.conftest import Command
from tests.gcp.servers import BigQueryEmulator, GcsServer

pytestmark = [pytest.mark.needs("go"), pytest.mark.slow]

IMAGES = 12


@pytest.fixture(scope="module")
def simulator(gcs: GcsServer) -> Iterator[VertexSimulator]:
    with simulator_beside(gcs) as one:
        yield one


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
    one = CloudProject(tmp_path, monkeypatch, bigquery=new_bigquery_emulator, gcs=gcs)
    simulator.behave(Behaviour())
    bucket: Any = make_bucket(gcs, one.bucket)
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
        one.let(setting, value)
    sightline("setup")
    sightline("import", f"gs://{one.bucket}/images", "--asset-type", "road_sign")
    return one


def test_the_whole_job(sightline: Command, project: CloudProject) -> None:
    run = sightline("enqueue")
    assert run["parts"] == 2 * IMAGES
    done = sightline("work")
    assert (done["answers"], done["embeddings"], done["dead"]) == (IMAGES, IMAGES, {})
    (balance,) = sightline("status", "--check")["runs"]
    assert (balance["written"], balance["parts"]) == (2 * IMAGES, 2 * IMAGES)
