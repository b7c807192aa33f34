"""A warehouse as a city has it: images with answers, dead letters and vectors, all made up.

Values follow from each image's number, so the same arguments give the same city.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sightline.local.warehouse.store import Store
from sightline.records import task_version
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    OBSERVATIONS,
    TASK_VERSIONS,
    Ledger,
    embeddings_ledger,
    parquet_schema,
)
from sightline.tasks import FieldSpec, TaskSpec, load_tasks, shipped_directory

CHUNK = 50_000
MODEL, DIMENSION = "demo-1", 256
WRITTEN_AT = datetime(2026, 6, 1, tzinfo=UTC)
SHARES = {"road_signs": 5, "utility_poles": 3, "maintenance_covers": 2}
"""How many of ten images each task is about."""
ASSETS_SHARE = 3
"""How many images there are of an asset."""
DEAD_EVERY = 97
"""One image in so many has a dead letter and no answer."""

IN_A_BUCKET = "'gs://city/snapshot/v0/image-' || lpad(n::VARCHAR, 9, '0') || '.jpg'"

IMAGES = """
SELECT
  'image-' || lpad(n::VARCHAR, 9, '0') AS observation_id,
  'asset-' || lpad((n // {assets})::VARCHAR, 9, '0') AS asset_id,
  'snapshot-2026-0' || (1 + hash(n, 's') % 4)::VARCHAR AS snapshot_id,
  CASE {kinds} END AS asset_type,
  CASE {tasks} END AS task,
  {uri} AS gcs_uri,
  52.09 + 0.09 * ({random_y} - 0.5) AS latitude,
  5.12 + 0.16 * ({random_x} - 0.5) AS longitude,
  TIMESTAMPTZ '2024-06-01 00:00:00+00' + to_seconds((hash(n, 't') % 63072000)::BIGINT)
    AS capture_time,
  json_object('heading', (hash(n, 'h') % 360)::DOUBLE)::VARCHAR AS camera_pose,
  json_object('x_min', 100.0, 'y_min', 80.0, 'x_max', 220.0, 'y_max', 200.0)::VARCHAR AS bbox,
  n
FROM range({start}, {stop}) AS numbers(n)
"""


def write_city(
    root: Path, images: int, *, vectors: bool = True, pictures: Sequence[str] = ()
) -> None:
    """Write the ledgers of a city with so many images into an empty warehouse.

    Images are at the URIs of ``pictures`` in turn, or else in a bucket that does not exist.
    """
    store = Store(root)
    loaded = load_tasks((shipped_directory(),))
    tasks = [loaded[name].resolve(MODEL) for name in SHARES]
    versions = [row for task in tasks if (row := task_version(task, None, WRITTEN_AT))]
    store.append_rows(versions, TASK_VERSIONS)
    for start in range(0, images, CHUNK):
        stop = min(images, start + CHUNK)
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE images AS {_images(tasks, start, stop, pictures)}")
        for ledger, select in _ledgers(tasks):
            _append(store, ledger, connection.sql(select).to_arrow_table())
        if vectors:
            ids = connection.sql(_vector_rows()).to_arrow_table()
            _append(store, embeddings_ledger(MODEL, DIMENSION), _with_vectors(ids, start))
        connection.close()


def _images(tasks: list[TaskSpec], start: int, stop: int, pictures: Sequence[str]) -> str:
    kinds, names, below = "", "", 0
    for task in tasks:
        below += SHARES[task.name]
        kinds += f"WHEN hash(n, 'k') % 10 < {below} THEN '{task.asset_types[0]}' "
        names += f"WHEN hash(n, 'k') % 10 < {below} THEN '{task.name}' "
    # The mean of two uniform numbers: there is more in the middle of a city.
    uniform = "(hash(n, '{a}') % 100003 + hash(n, '{b}') % 100003) / 200006.0"
    listed = ", ".join(f"'{uri}'" for uri in pictures)
    return IMAGES.format(
        uri=f"list_extract([{listed}], 1 + n % {len(pictures)})" if pictures else IN_A_BUCKET,
        assets=ASSETS_SHARE,
        kinds=kinds,
        tasks=names,
        random_y=uniform.format(a="a", b="b"),
        random_x=uniform.format(a="c", b="d"),
        start=start,
        stop=stop,
    )


def _ledgers(tasks: list[TaskSpec]) -> Iterator[tuple[Ledger, str]]:
    written = f"TIMESTAMPTZ '{WRITTEN_AT.isoformat()}' AS written_at"
    yield OBSERVATIONS, f"SELECT *, 'run-1' AS run_id, {written} FROM images"
    for task in tasks:
        answer = ", ".join(f"'{field.name}', {_value(field)}" for field in task.fields)
        yield (
            CLASSIFICATIONS,
            (
                "SELECT *, sha256(observation_id || task) AS part_key,"
                " observation_id AS subject_id,"
                f" '{task.fingerprint}' AS fingerprint, '{task.model}' AS model,"
                f" json_object({answer})::VARCHAR AS answer, 900 AS input_tokens,"
                " 60 AS output_tokens,"
                " 90 AS cost_usd_micros, 800 + (hash(n, 'l') % 900)::BIGINT AS latency_ms,"
                " 1 AS attempt,"
                f" 'run-1' AS run_id, 'worker-1' AS worker_id, {written}"
                f" FROM images WHERE task = '{task.name}' AND n % {DEAD_EVERY} > 0"
            ),
        )
    yield (
        DEAD_LETTERS,
        (
            "SELECT sha256(observation_id) AS event_id, sha256(observation_id || task) AS part_key,"
            " 'run-1' AS run_id, observation_id AS subject_id, 'dead' AS event,"
            " CASE WHEN n % 2 = 0 THEN 'image_gone' ELSE 'blocked_by_safety' END AS reason,"
            " '{\"parts\": [{\"task\": \"' || task || '\"}]}' AS body, 'worker-1' AS worker_id,"
            f" TIMESTAMPTZ '{WRITTEN_AT.isoformat()}' AS at FROM images WHERE n % {DEAD_EVERY} = 0"
        ),
    )


def _value(field: FieldSpec) -> str:
    """Return an answer in SQL; one in ten is not known."""
    by = f"hash(n, '{field.name}')"
    match field.type:
        case "enum":
            values = ", ".join(f"'{value}'" for value in field.values)
            # The square of a uniform number: the first values are the usual ones.
            share = f"pow(({by} % 1000) / 1000.0, 2)"
            return f"list_extract([{values}], 1 + floor({share} * {len(field.values)})::BIGINT)"
        case "boolean":
            return f"CASE WHEN {by} % 10 > 0 THEN {by} % 7 = 0 END"
        case "integer":
            return f"CASE WHEN {by} % 10 > 0 THEN ({by} % 12)::BIGINT END"
        case "number":
            return f"CASE WHEN {by} % 10 > 0 THEN ({by} % 1000) / 1000.0 END"
        case "list":
            values = ", ".join(f"'{value}'" for value in field.values or ("left", "right"))
            return f"list_slice([{values}], 1, ({by} % 3)::BIGINT)"
        case _:
            return f"'sentence ' || ({by} % 40)::VARCHAR"


def _vector_rows() -> str:
    return (
        "SELECT *, sha256(observation_id || 'vector') AS part_key, observation_id AS subject_id,"
        f" '{MODEL}' AS model, {DIMENSION} AS dimension, 'run-1' AS run_id,"
        f" 'worker-1' AS worker_id, TIMESTAMPTZ '{WRITTEN_AT.isoformat()}' AS written_at"
        " FROM images"
    )


def _with_vectors(rows: pa.Table, seed: int) -> pa.Table:
    """Return the rows with random vectors of unit length, float32 of shape (dimension,)."""
    numbers = np.random.default_rng(seed).standard_normal((len(rows), DIMENSION), dtype=np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    flat = pa.array(numbers.reshape(-1))
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * DIMENSION)
    return rows.append_column("embedding", pa.ListArray.from_arrays(offsets, flat))


def _append(store: Store, ledger: Ledger, table: pa.Table) -> None:
    """Append rows in the ledger's columns; those that the table lacks are NULL."""
    schema = parquet_schema(ledger)
    columns = [
        table.column(column.name).cast(column.type)
        if column.name in table.column_names
        else pa.nulls(len(table), column.type)
        for column in schema
    ]
    store.append(pa.table(columns, schema=schema), ledger)
