"""Answers and vectors as Arrow tables, in the columns of the exports."""

from __future__ import annotations

from contextlib import aclosing

import numpy as np
import pyarrow as pa

from sightline.export.parquet_table import arrow_schema
from sightline.export.table import AnswerTable, rows_of
from sightline.model import Filter
from sightline.operations.reading.answers_by_asset import each_page, selected_answers
from sightline.operations.selection import check_asset_types
from sightline.ports import EmbeddedImage, VectorQuery, Warehouse
from sightline.progress import Progress, no_progress

IMAGE_COLUMNS = pa.schema(
    [
        ("observation_id", pa.string()),
        ("asset_id", pa.string()),
        ("asset_type", pa.string()),
        ("gcs_uri", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("capture_time", pa.timestamp("us", tz="UTC")),
    ]
)


async def answers_table(
    warehouse: Warehouse,
    task: str | None = None,
    *,
    which: Filter | None = None,
    progress: Progress = no_progress,
) -> pa.Table:
    """Return the current answers of a task, one row per subject, in the columns of its typed view.

    Raises:
        NotFoundError: there is no such task, or no answer matches.
        ConfigurationError: no task is named, and there are several.
    """
    query, total = await selected_answers(warehouse, task, which or Filter())
    table = AnswerTable(query.task)
    schema = arrow_schema(table)
    batches: list[pa.RecordBatch] = []
    await each_page(
        warehouse.answers,
        query,
        total,
        lambda page: batches.append(pa.RecordBatch.from_pylist(rows_of(table, page), schema)),
        progress,
    )
    return pa.Table.from_batches(batches, schema)


async def embeddings_table(
    warehouse: Warehouse, *, which: Filter | None = None, progress: Progress = no_progress
) -> pa.Table:
    """Return the vectors of the configured model: one row per image, with its ``embedding``.

    ``embedding`` is a fixed-size list of float32, of the model's dimension; the model and the
    dimension are metadata of the column, since vectors of two models must not be compared.

    Raises:
        NotFoundError: this model has no embeddings at this dimension.
    """
    await check_asset_types(warehouse, which or Filter())
    models = warehouse.settings.models
    query = VectorQuery(models.embed, models.embed_dimension, which or Filter())
    total = await warehouse.vectors.count(query)
    vectors = pa.field(
        "embedding",
        pa.list_(pa.float32(), query.dimension),
        metadata={"model": query.model, "dimension": str(query.dimension)},
    )
    schema = pa.schema([*IMAGE_COLUMNS, vectors])
    batches, done = [], 0
    with progress("reading vectors", total) as update:
        async with aclosing(warehouse.vectors.pages(query)) as pages:  # type: ignore[type-var]  # a generator
            async for page in pages:
                rows = [_row(image) for image in page.images]
                columns = pa.RecordBatch.from_pylist(rows, IMAGE_COLUMNS).columns
                flat = np.ascontiguousarray(page.vectors, dtype=np.float32).reshape(-1)
                embedding = pa.FixedSizeListArray.from_arrays(pa.array(flat), query.dimension)
                batches.append(pa.RecordBatch.from_arrays([*columns, embedding], schema=schema))
                done += len(page.images)
                update(done, max(total, done))
    return pa.Table.from_batches(batches, schema)


def _row(image: EmbeddedImage) -> dict[str, object]:
    return {name: getattr(image, name) for name in IMAGE_COLUMNS.names}
