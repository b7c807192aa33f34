"""The columns of a source table become an observation's, for each kind of table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.columns import LAYOUTS, SourceTable
from sightline.gcp.bigquery.literals import quoted, quoted_list
from sightline.model import CameraPose, Observation, PixelBounds
from tests.contracts.warehouse_rig import EMBEDDING, NOW, asking, observation
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.source_rig import (
    ASSET_COLUMNS,
    PANO_COLUMNS,
    insert,
    make_source,
    open_source,
    source_in,
)
from tests.gcp.warehouse_rig import open_dataset

pytestmark = pytest.mark.needs("go")

FULL = observation(
    1,
    bbox=PixelBounds(1172.0, 2013.5, 1253.0, 2172.0),
    camera_pose=CameraPose(34.7, 135.5, 40.25, -81.5, -101.75, -12.125),
    map_url="https://maps.example/?q=1",
    detection_time=NOW + timedelta(microseconds=1),
)
PANO = replace(FULL, asset_id="", asset_type="", bbox=None, detection_time=None)


@pytest.fixture
async def client(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_with_ledgers, [EMBEDDING]) as client:
        yield client


async def listed(client: BigQueryClient, table: SourceTable) -> list[Observation]:
    """Return the observations of a new run's work list."""
    async with open_source(client, table=table) as source:
        await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
        ranges = await source.unpublished("run-1")
        items = [item for item_range in ranges for item in await source.items(item_range)]
    return sorted(
        (image for item in items for image in item.observations),
        key=lambda image: image.observation_id,
    )


FEW_LAYOUTS = ("latest_observations", "pano_observations_latest")
"""One of assets and one of panoramas."""


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(layout, marks=[] if layout in FEW_LAYOUTS else [pytest.mark.extended])
        for layout in LAYOUTS
    ],
)
async def test_each_layout_reads_a_table_of_its_shape(client: BigQueryClient, layout: str) -> None:
    pano = layout.startswith("pano_")
    await make_snapshots(client)
    await make_source(client, layout, PANO_COLUMNS if pano else ASSET_COLUMNS)
    bare = observation(2, latitude=None, longitude=None, capture_time=None)
    await insert(client, [FULL, bare], layout, PANO_COLUMNS if pano else ASSET_COLUMNS)
    expected = [PANO, replace(bare, asset_id="", asset_type="")] if pano else [FULL, bare]
    assert await listed(client, source_in(client, layout)) == expected


async def make_snapshots(client: BigQueryClient) -> None:
    """Create the table of snapshots; the later one has the lesser id."""
    snapshots = client.place.table("snapshots")
    await client.execute(f"CREATE TABLE {snapshots} (snapshot_id STRING, creation_time TIMESTAMP)")
    await client.execute(
        f"INSERT INTO {snapshots} VALUES ('snap-2', @old), ('snap-1', @new)",
        old=NOW,
        new=NOW + timedelta(days=7),
    )


async def test_of_all_snapshots_the_one_created_last_counts(client: BigQueryClient) -> None:
    await make_snapshots(client)
    await make_source(client, "all_observations", ASSET_COLUMNS)
    older = replace(FULL, snapshot_id="snap-2", gcs_uri="gs://bucket/snap-2/v0/obs-001.jpg")
    unknown = replace(FULL, snapshot_id="snap-9", gcs_uri="gs://bucket/snap-9/v0/obs-001.jpg")
    await insert(client, [older, FULL, unknown], "all_observations")
    assert await listed(client, source_in(client, "all_observations")) == [FULL]


async def test_of_one_snapshot_the_row_that_was_detected_last_counts(
    client: BigQueryClient,
) -> None:
    await make_source(client, "latest_observations", ASSET_COLUMNS)
    earlier = replace(FULL, latitude=1.0, detection_time=NOW)
    never = replace(FULL, latitude=2.0, detection_time=None)
    await insert(client, [earlier, FULL, never])
    assert await listed(client, source_in(client)) == [FULL]


async def test_columns_may_have_other_names_or_be_absent(client: BigQueryClient) -> None:
    columns = {
        "id": "STRING",
        "uri": "STRING",
        "lat": "STRING",
        "lon": "FLOAT64",
        "taken": "TIMESTAMP",
        "box": "STRUCT<lo STRUCT<x FLOAT64, y FLOAT64>, hi STRUCT<x FLOAT64, y FLOAT64>>",
        "compass": "FLOAT64",
    }
    await make_source(client, "mine", columns)
    await client.execute(
        f"INSERT INTO {client.place.table('mine')} (id, uri, lat, lon, taken, box, compass)"
        " SELECT 'a', 'gs://b/a.jpg', '52.5', 5.25, @taken,"
        " STRUCT(STRUCT(1.0 AS x, 2.0 AS y) AS lo, STRUCT(3.0 AS x, 4.5 AS y) AS hi), 90.5",
        taken=NOW,
    )
    nothing = ("asset_id", "snapshot_id", "asset_type", "detection_time", "camera_pose", "map_url")
    mapped = {
        **dict.fromkeys(nothing, ""),
        "observation_id": "id",
        "gcs_uri": "uri",
        "latitude": "lat",
        "longitude": "lon",
        "capture_time": "taken",
        "bbox": "box",
        "camera_pose_heading": "compass",
    }
    table = SourceTable(f"{client.place.project}.{client.place.dataset}.mine", columns=mapped)
    box, pose = PixelBounds(1.0, 2.0, 3.0, 4.5), CameraPose(heading=90.5)
    assert await listed(client, table) == [
        Observation("a", "", "", "", "gs://b/a.jpg", 52.5, 5.25, NOW, None, box, pose)
    ]


async def test_a_mapping_to_missing_columns_is_an_error_that_lists_the_columns(
    client: BigQueryClient,
) -> None:
    await make_source(client, "latest_observations", PANO_COLUMNS)
    async with open_source(client) as source:
        with pytest.raises(ConfigurationError) as caught:
            await source.preview(asking(EMBEDDING))
        with pytest.raises(ConfigurationError, match=r"location\.latitude"):
            await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
    message = str(caught.value)
    assert "location.latitude (for latitude)" in message
    assert "capture_location.latitude" in message
    assert message.endswith("correct `[bigquery.columns]` in the settings")


async def test_a_missing_source_is_named(client: BigQueryClient) -> None:
    async with open_source(client, table=source_in(client, "pano_observations_latest")) as source:
        with pytest.raises(NotFoundError, match="pano_observations_latest"):
            await source.preview(asking(EMBEDDING))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"latitude": "a`; DROP"}, r"bigquery\.columns\.latitude"),
        ({"altitude": "a"}, r"bigquery\.columns\.altitude is not a column"),
        ({"gcs_uri": ""}, r"bigquery\.columns\.gcs_uri"),
        ({"asset_id": "a..b"}, r"bigquery\.columns\.asset_id"),
    ],
)
def test_an_invalid_mapping_is_refused(columns: Mapping[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SourceTable("p.d.t", columns=columns)


def test_an_invalid_layout_or_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"bigquery\.layout.*pano_observations_latest"):
        SourceTable("p.d.t", "newest")
    with pytest.raises(ConfigurationError, match=r"bigquery\.source"):
        SourceTable("only.two")


async def test_any_text_can_be_a_literal(client: BigQueryClient) -> None:
    texts = ["", "'", '"', "\\", "\\'", "a\nb\r\tc", "\x1f\x00\x7f", "木 é 🦊", "@x ${y} {z} `t`"]
    assert (await client.rows(f"SELECT {quoted_list(texts)}"))[0][0] == texts
    for text in texts:
        assert await client.value(f"SELECT {quoted(text)}") == text
    assert await client.value(f"SELECT ARRAY_LENGTH({quoted_list([])})") == 0
