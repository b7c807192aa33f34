"""A table in the columns of ``latest_observations`` becomes observations; images are not opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from sightline.local.importing.columns import find_columns
from sightline.local.importing.normalise import Defaults, Normaliser
from sightline.local.importing.report import ImportReport, Tally
from sightline.local.importing.staging import Staging
from sightline.local.importing.table_files import open_table

UNSPECIFIED = "ASSET_CLASS_UNSPECIFIED"


def import_table(
    file: Path,
    *,
    source: Path,
    now: datetime,
    columns: Mapping[str, str] | None = None,
    base: Path | None = None,
    asset_type: str | None = None,
    by_uri: bool = False,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> ImportReport:
    """Import a CSV or Parquet file, of any length in constant memory.

    ``columns`` maps our names to the file's own (``{"gcs_uri": "image"}``). Paths in ``gcs_uri``
    are relative to ``base``, by default the file's folder. ``asset_type`` is for rows that have
    none; without it the column is required. A row that cannot be used is refused, the rest is
    imported; a refusal names it by its number, or ``by_uri`` of its image. ``on_progress`` is told
    the rows read so far and how many there are, if known.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it is no such table, or lacks a column; nothing is imported.
        StorageError: the source folder cannot be written; nothing is imported.
    """
    table = open_table(file)
    required = ("observation_id", "gcs_uri", *(("asset_type",) if asset_type is None else ()))
    layout = find_columns(file, table.schema, columns or {}, required=required)
    defaults = Defaults(
        asset_type=asset_type or UNSPECIFIED,
        snapshot_id="import-" + re.sub(r"[^\w.-]+", "-", file.stem),
        base=(base or file.parent).absolute(),
    )
    normaliser = Normaliser(layout, defaults, by_uri=by_uri)
    tally = Tally()
    rows_read = 0
    with Staging(source) as staging:
        for batch in table.batches(layout.columns, tally):
            staging.add(normaliser.rows(batch, tally))
            if on_progress is not None:
                rows_read += len(batch.numbers)
                on_progress(rows_read, table.rows)
        published = staging.publish(now=now, tally=tally)
    return tally.report(
        imported=published.imported,
        replaced=published.replaced,
        unchanged=published.unchanged,
        files=published.files,
    )
