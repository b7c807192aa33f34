"""Source tables shaped like those of an Imagery Insights dataset, and rows to put into them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.columns import SourceTable
from sightline.gcp.bigquery.items import ItemReader
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.source import BigQuerySource
from sightline.model import Observation
from tests.gcp.warehouse_rig import ONE_AT_A_TIME

POSE = ("latitude", "longitude", "altitude", "pitch", "heading", "roll")
CAMERA_POSE = f"STRUCT<{', '.join(f'{name} FLOAT64' for name in POSE)}>"
POSITION = "STRUCT<latitude FLOAT64, longitude FLOAT64>"
CORNER = "STRUCT<x FLOAT64, y FLOAT64>"

ASSET_COLUMNS: Mapping[str, str] = {
    "observation_id": "STRING",
    "snapshot_id": "STRING",
    "asset_id": "STRING",
    "asset_type": "STRING",
    "location": POSITION,
    "detection_time": "TIMESTAMP",
    "bbox": f"STRUCT<lo {CORNER}, hi {CORNER}>",
    "camera_pose": CAMERA_POSE,
    "capture_time": "TIMESTAMP",
    "gcs_uri": "STRING",
    "map_url": "STRING",
}
PANO_COLUMNS: Mapping[str, str] = {
    "observation_id": "STRING",
    "snapshot_id": "STRING",
    "capture_id": "STRING",
    "pano_id": "STRING",
    "capture_location": POSITION,
    "camera_pose": CAMERA_POSE,
    "capture_time": "TIMESTAMP",
    "gcs_uri": "STRING",
    "map_url": "STRING",
}


def source_in(client: BigQueryClient, name: str = "latest_observations") -> SourceTable:
    """Return the table of a layout, in the client's own dataset."""
    return SourceTable(f"{client.place.project}.{client.place.dataset}.{name}", name)


async def make_source(client: BigQueryClient, name: str, columns: Mapping[str, str]) -> None:
    """Create an empty source table."""
    ddl = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    await client.execute(f"CREATE TABLE {client.place.table(name)} ({ddl})")


async def insert(
    client: BigQueryClient,
    observations: Sequence[Observation],
    name: str = "latest_observations",
    columns: Mapping[str, str] = ASSET_COLUMNS,
) -> None:
    """Insert rows as a delivery does."""
    for start in range(0, len(observations), 500):
        some = observations[start : start + 500]
        rows = ", ".join(f"({', '.join(_values(row, columns))})" for row in some)
        table = client.place.table(name)
        await client.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}")


async def load(client: BigQueryClient, observations: Sequence[Observation]) -> None:
    """Deliver observations again: ``latest_observations`` has the last delivery of each."""
    await client.execute(
        f"DELETE FROM {client.place.table('latest_observations')}"
        " WHERE observation_id IN UNNEST(@ids)",
        ids=[observation.observation_id for observation in observations],
    )
    await insert(client, observations)


@asynccontextmanager
async def open_source(
    client: BigQueryClient,
    *,
    table: SourceTable | None = None,
    owner: str = "the test",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    buckets: int = 2,
    range_items: int = 3,
) -> AsyncIterator[BigQuerySource]:
    """Open a source over ``latest_observations``, or over ``table``."""
    async with (
        LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender,
        ItemReader.open(client.place) as reader,
    ):
        yield BigQuerySource(
            client,
            appender,
            table or source_in(client),
            reader=reader,
            owner=owner,
            now=now,
            buckets=buckets,
            range_items=range_items,
        )


def _values(image: Observation, columns: Mapping[str, str]) -> list[str]:
    return [
        f"CAST({(_struct if kind.startswith('STRUCT') else _scalar)(image, name)} AS {kind})"
        for name, kind in columns.items()
    ]


def _struct(image: Observation, name: str) -> str:
    members: list[str] = []
    if name == "bbox" and (box := image.bbox):
        members = [_corner(box.x_min, box.y_min), _corner(box.x_max, box.y_max)]
    elif name == "camera_pose" and (pose := image.camera_pose):
        members = [_number(getattr(pose, member)) for member in POSE]
    elif name.endswith("location") and (image.latitude, image.longitude) != (None, None):
        members = [_number(image.latitude), _number(image.longitude)]
    return f"STRUCT({', '.join(members)})" if members else "NULL"


def _scalar(image: Observation, name: str) -> str:
    value = getattr(image, name, f"{name} of {image.observation_id}")
    if isinstance(value, datetime):
        return f"TIMESTAMP {quoted(value.isoformat(' '))}"
    return "NULL" if value is None else quoted(value)


def _corner(x: float, y: float) -> str:
    return f"STRUCT({_number(x)}, {_number(y)})"


def _number(value: float | None) -> str:
    return f"CAST({'NULL' if value is None else repr(value)} AS FLOAT64)"
