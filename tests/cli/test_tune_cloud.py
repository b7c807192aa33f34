"""The same answers make the same tuning job, whichever warehouse holds them, in whatever order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.cloud_rig import CloudProject, make_bucket
from tests.cli.conftest import Command
from tests.cli.test_export_cloud import fill_dataset, fill_folder
from tests.cli.tuning_rig import BASE_MODEL, tuning_beside
from tests.gcp.servers import BigQueryEmulator, GcsServer

pytestmark = pytest.mark.needs("go")

SUBMIT = (
    "tune",
    "submit",
    "--location",
    "us-central1",
    "--model",
    BASE_MODEL,
    "--validation",
    "0.5",
)


def test_both_warehouses_make_one_job(
    sightline: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bigquery_emulator: BigQueryEmulator,
    gcs: GcsServer,
) -> None:
    with tuning_beside(gcs.endpoint) as beside:
        project = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator, gcs=gcs)
        project.let("VERTEX__ENDPOINT", beside.simulator.base_url)
        make_bucket(gcs, project.bucket)
        asyncio.run(fill_dataset(bigquery_emulator, project.dataset))
        asyncio.run(fill_folder(tmp_path / "home" / "warehouse"))
        cloud = sightline(*SUBMIT, "--yes")
        monkeypatch.setenv("SIGHTLINE_ENGINE", "local")
        local = sightline("--home", "home", *SUBMIT, "--yes")
    assert (cloud["submitted"], local["submitted"]) == (True, False)
    assert local["job"]["name"] == cloud["job"]["name"]
    assert local["plan"] == cloud["plan"]
    assert cloud["plan"]["left_out"] == {"nothing_known": 1}
