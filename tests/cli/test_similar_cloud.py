"""The search commands over BigQuery, on the emulator, with models of the simulator."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.cli import main
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.tables import put_tables
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import EmbeddingPart
from sightline.ports import EmbeddingRow
from sightline.settings import load_settings
from sightline.wiring.places import bigquery_place
from tests.cli.cloud_rig import CloudProject, simulator_beside
from tests.cli.conftest import Command
from tests.contracts.warehouse_rig import observation, provenance
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.warehouse_rig import ONE_AT_A_TIME

pytestmark = pytest.mark.needs("go")

PART = EmbeddingPart("gemini-embedding-2", 768)
COUNT = 12


@pytest.fixture
def project(
    bigquery_emulator: BigQueryEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CloudProject:
    """Return a project whose dataset has its tables, and nothing in them."""
    cloud = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    asyncio.run(fill([]))
    return cloud


async def fill(rows: list[EmbeddingRow]) -> None:
    """Make the tables, and write rows into them."""
    place = bigquery_place(load_settings())
    async with (
        BigQueryClient.open(place) as client,
        LedgerAppender.open(place, rule=ONE_AT_A_TIME) as appender,
    ):
        await put_tables(client, [PART])
        if rows:
            await BigQueryWriter(appender, client).write(rows)


def embedded() -> list[EmbeddingRow]:
    """Return embeddings by the configured model."""
    vectors = np.random.default_rng(0).standard_normal((COUNT, PART.dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = []
    for number, vector in enumerate(vectors):
        image = observation(number)
        key, subject = PART.key(image.observation_id), image.observation_id
        rows.append(EmbeddingRow(key, subject, image, PART, vector.tolist(), provenance()))
    return rows


@pytest.mark.extended
def test_where_nothing_is_embedded_no_model_is_paid_to_embed_a_query(
    project: CloudProject, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 8)).save("photo.jpg")
    for arguments in (
        ["search", "a pole"],  # nobody listens where the models are said to be
        ["search", "--image", "photo.jpg"],
        ["similar", "photo.jpg"],
        ["similar", "obs-003"],
        ["search", "a pole", "--explain"],
        ["index", "create"],
    ):
        assert main(arguments) == 2
        remark = capsys.readouterr().err
        assert "nothing was embedded by gemini-embedding-2 at 768 dimensions; run" in remark
        assert remark.count("\n") == 1


def test_images_are_found_by_words_by_a_file_and_by_an_observation(
    sightline: Command, project: CloudProject
) -> None:
    asyncio.run(fill(embedded()))
    by_id = sightline("similar", "obs-003", "--top", "5")
    assert len(by_id) == 5
    assert "obs-003" not in {hit["observation_id"] for hit in by_id}
    poles = sightline("similar", "obs-003", "--asset-type", "utility_pole", "--top", "99")
    assert {hit["observation_id"] for hit in poles} == {
        "obs-002", "obs-006", "obs-007", "obs-010", "obs-011",
    }  # fmt: skip
    Image.new("RGB", (8, 8)).save("photo.jpg")
    with simulator_beside() as simulator:
        project.let("VERTEX__ENDPOINT", simulator.base_url)
        assert len(sightline("similar", "photo.jpg", "--top", "99")) == COUNT
        assert len(sightline("search", "--image", "photo.jpg", "--top", "3")) == 3
        assert len(sightline("search", "a pole", "--top", "4")) == 4


@pytest.mark.extended
def test_a_plan_shows_the_statement_and_an_index_that_is_none_is_told(
    sightline: Command, project: CloudProject, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(fill(embedded()))
    arguments = ("search", "a pole", "--asset-type", "utility_pole", "--explain")
    plan = sightline(*arguments)
    assert (plan["method"], plan["rows"], plan["allowed"], plan["compared"]) == ("exact", 12, 6, 6)
    assert plan["selectivity"] == 0.5
    assert "12 rows are fewer than the 5,000 that an index needs" in plan["reason"]
    assert "COSINE_DISTANCE(embedding" in plan["statement"]
    assert "@asset_types" in plan["statement"]
    assert plan["bytes_read"] is not None
    assert main(list(arguments)) == 0
    output = capsys.readouterr().out
    assert "6 of 12 rows pass (50.00%)" in output
    assert plan["statement"] in output
    assert sightline("index", "status")["condition"] == "none"
    assert main(["index", "create"]) == 2
    assert "12 rows are fewer than the 5,000" in capsys.readouterr().err
    assert sightline("index", "drop") == {"dropped": False}
