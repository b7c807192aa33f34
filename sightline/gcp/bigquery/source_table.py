"""Loads observations into a user's own source table, with the layout of ``latest_observations``.

Rows are loaded into a staging table first and merged in one statement, so that an interrupted load
leaves the source unchanged, and repeating a load has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.columns import SourceTable
from sightline.gcp.bigquery.place import checked_table
from sightline.model import Observation
from sightline.records import POSE

if TYPE_CHECKING:
    from google.cloud import bigquery

LOAD_TIMEOUT_S = 600.0
_STAGED_FOR = timedelta(days=1)
_POINT = {"x": "FLOAT", "y": "FLOAT"}
_SCHEMA: Mapping[str, Any] = {
    "observation_id": "STRING",
    "asset_id": "STRING",
    "snapshot_id": "STRING",
    "asset_type": "STRING",
    "location": {"latitude": "FLOAT", "longitude": "FLOAT"},
    "capture_time": "TIMESTAMP",
    "detection_time": "TIMESTAMP",
    "bbox": {"lo": _POINT, "hi": _POINT},
    "camera_pose": dict.fromkeys(POSE, "FLOAT"),
    "gcs_uri": "STRING",
    "map_url": "STRING",
}
"""The columns of Imagery Insights' ``latest_observations``, with the REST API's type names."""

_MERGE = """
MERGE {source} AS source USING {staged} AS staged
ON source.observation_id = staged.observation_id
WHEN MATCHED THEN UPDATE SET {updates}
WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({columns})"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a load: the number of rows in it, and in the table afterwards."""

    table: str
    rows: int
    total: int


def row_of(observation: Observation) -> dict[str, Any]:
    """Return an observation as a row, in the JSON form for load jobs."""
    box, pose = observation.bbox, observation.camera_pose
    place = None
    if observation.latitude is not None and observation.longitude is not None:
        place = {"latitude": observation.latitude, "longitude": observation.longitude}
    return {
        "observation_id": observation.observation_id,
        "asset_id": observation.asset_id,
        "snapshot_id": observation.snapshot_id,
        "asset_type": observation.asset_type,
        "location": place,
        "capture_time": _text(observation.capture_time),
        "detection_time": _text(observation.detection_time),
        "bbox": box
        and {"lo": {"x": box.x_min, "y": box.y_min}, "hi": {"x": box.x_max, "y": box.y_max}},
        "camera_pose": pose and {name: getattr(pose, name) for name in POSE},
        "gcs_uri": observation.gcs_uri,
        "map_url": observation.map_url,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


async def make_source_table(client: BigQueryClient, full_name: str) -> None:
    """Create the table, and its dataset in the location of the ledgers, if they do not exist.

    Raises:
        ConfigurationError: the table exists with other columns, or may not be created.
        TransientError: see ``sightline.gcp.failures``.
    """
    from google.api_core.exceptions import NotFound
    from google.cloud import bigquery

    checked_table(full_name, "--source-table")
    _not_a_ledger(client, full_name)
    project, dataset, _ = full_name.split(".")
    how = client.request_options()

    def make(library: bigquery.Client) -> list[bigquery.SchemaField]:
        holder = bigquery.Dataset(f"{project}.{dataset}")
        holder.location = client.place.location
        try:
            library.get_dataset(holder.reference, **how)
        except NotFound:
            library.create_dataset(holder, exists_ok=True, **how)
        table = bigquery.Table(full_name, schema=_fields(_SCHEMA))
        table.description = "Observations of your own photographs, for Sightline"
        library.create_table(table, exists_ok=True, **how)
        return list(library.get_table(full_name, **how).schema)

    SourceTable(full_name).check(await client.use(make))


def _not_a_ledger(client: BigQueryClient, full_name: str) -> None:
    from sightline.schema import LEDGERS

    place = client.place
    if full_name in {f"{place.project}.{place.dataset}.{ledger.name}" for ledger in LEDGERS}:
        raise ConfigurationError(
            f"--source-table {full_name} is one of Sightline's ledgers; give another name,"
            f" such as {full_name.rpartition('.')[0]}.photographs"
        )


async def load_observations(
    client: BigQueryClient, full_name: str, lines: Path, *, rows: int, load_id: str
) -> Loaded:
    """Merge a file of JSON lines (see ``row_of``) into the table, by observation.

    Each observation may appear once in the file. ``load_id`` is unique to this load.

    Raises:
        ConfigurationError, NotFoundError, TransientError: see ``sightline.gcp.failures``.
    """
    staged = f"{full_name}_{re.sub(r'[^a-z0-9]+', '_', load_id)}"
    source_name = checked_table(full_name, "--source-table")
    staged_name = checked_table(staged, "--source-table")
    try:
        await client.use(lambda library: _load(client, library, staged, lines))
        columns = [f"`{name}`" for name in _SCHEMA]
        await client.execute(
            _MERGE.format(
                source=source_name,
                staged=staged_name,
                columns=", ".join(columns),
                updates=", ".join(f"{name} = staged.{name}" for name in columns),
            )
        )
    finally:
        how = client.request_options()
        await client.use(lambda library: library.delete_table(staged, not_found_ok=True, **how))
    total = await client.value(f"SELECT COUNT(*) FROM {source_name}")  # noqa: S608 - checked name
    return Loaded(full_name, rows, int(total))


def _load(client: BigQueryClient, library: bigquery.Client, staged: str, lines: Path) -> None:
    from google.cloud import bigquery

    how = client.request_options()
    table = bigquery.Table(staged, schema=_fields(_SCHEMA))
    if client.place.endpoint is None:  # in case this process is killed before it deletes the table
        table.expires = datetime.now(UTC) + _STAGED_FOR
    library.create_table(table, exists_ok=True, **how)
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        schema=_fields(_SCHEMA),
    )
    location = client.place.location if client.place.endpoint is None else None
    with lines.open("rb") as content:
        job = library.load_table_from_file(
            content, staged, job_config=config, location=location, timeout=LOAD_TIMEOUT_S
        )
    # Read again by its id, since the response to an upload may not say that the job has ended.
    library.get_job(job.job_id, location=location, **how).result(timeout=LOAD_TIMEOUT_S, **how)


def _fields(columns: Mapping[str, Any]) -> list[bigquery.SchemaField]:
    from google.cloud import bigquery

    return [
        bigquery.SchemaField(name, "RECORD", fields=_fields(kind))
        if isinstance(kind, Mapping)
        else bigquery.SchemaField(name, kind)
        for name, kind in columns.items()
    ]


def lines_of(observations: Iterable[Observation]) -> Iterable[bytes]:
    """Yield the lines of a file to be loaded."""
    import orjson

    for observation in observations:
        yield orjson.dumps(row_of(observation)) + b"\n"
