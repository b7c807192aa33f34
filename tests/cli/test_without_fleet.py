"""``engine = "bigquery"`` as a person types it, up to the call of a model, which emulators lack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.cloud_rig import CloudProject, make_bucket
from tests.cli.conftest import Command, Mistake, Shown
from tests.gcp.servers import BigQueryEmulator, GcsServer

pytestmark = [pytest.mark.needs("go")]

IMAGES = 3


@pytest.fixture
def project(
    new_bigquery_emulator: BigQueryEmulator,
    gcs: GcsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sightline: Command,
) -> CloudProject:
    """Return a project with observations, whose models BigQuery is to ask."""
    cloud = CloudProject(tmp_path, monkeypatch, bigquery=new_bigquery_emulator, gcs=gcs)
    bucket: Any = make_bucket(gcs, cloud.bucket)
    for number in range(IMAGES):
        bucket.blob(f"images/{number}.jpg").upload_from_string(b"%d" % number)
    cloud.let("ENGINE", "bigquery")
    cloud.let("SQL__LOOK_EVERY_S", "0.05")
    sightline("setup")
    sightline("import", f"gs://{cloud.bucket}/images", "--asset-type", "road_sign")
    return cloud


@pytest.mark.extended
def test_a_run_is_planned_and_priced_and_nothing_is_lost_where_no_model_answers(
    sightline: Command, mistake: Mistake, shown: Shown, project: CloudProject
) -> None:
    mistake("work", "--dry-run", says="set sql.connection")
    project.let("SQL__CONNECTION", f"{project.name}.us.models")
    assert sightline("work", "--dry-run") == []
    code, _, err = shown("enqueue", "--max-cost", "0.001")
    assert code == 0
    assert "it is reserved before models are asked" in err
    assert "a worker" not in err
    (run,) = sightline("status")["runs"]
    assert run["parts"] == 2 * IMAGES

    batch_plan = sightline("work", "--dry-run")
    assert {planned["kind"]: planned["parts"] for planned in batch_plan} == {
        "answers": IMAGES, "embeddings": IMAGES,
    }  # fmt: skip
    left = 0.001
    for planned in batch_plan:
        assert (planned["run_id"], planned["passes"]) == (run["run_id"], 1)
        assert planned["most_cost_usd"] > 0
        assert planned["budget_left_usd"] == pytest.approx(left)
        assert planned["bound_by_budget"] == (planned["most_cost_usd"] > left)
        left = max(0.0, left - planned["most_cost_usd"])
    code, out, err = shown("work", "--dry-run")
    assert code == 0
    assert "models, at most" in out
    assert err.endswith("next: `sightline work` without --dry-run\n")

    mistake("work", says="sightline doctor")
    (balance,) = sightline("status")["runs"]
    assert (balance["written"], balance["dead"], balance["parts"]) == (0, 0, 2 * IMAGES)
    assert sightline("work", "--dry-run") == batch_plan


def test_what_only_workers_do_is_refused_with_the_way_out(
    mistake: Mistake, project: CloudProject
) -> None:
    project.let("SQL__CONNECTION", f"{project.name}.us.models")
    mistake("work", "--watch", says="`sightline status --watch` shows runs")
    project.let("ENGINE", "local")
    mistake("work", "--dry-run", says="`sightline estimate` shows what a run costs")
    mistake("enqueue", "--engine", "clouds", says="bigquery")
