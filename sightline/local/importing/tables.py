"""Imports a table in the columns of ``latest_observations``; images are not opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from sightline.geodata.gis_files import split_layer
from sightline.local.importing.columns import find_columns
from sightline.local.importing.csv_files import CsvTableFile
from sightline.local.importing.geojson_tables import GeoJsonTableFile
from sightline.local.importing.normalise import Defaults, Normaliser
from sightline.local.importing.positions import Positions
from sightline.local.importing.remote_images import note_fetching
from sightline.local.importing.report import ImportReport, Tally
from sightline.local.importing.roots import ImportRoots
from sightline.local.importing.staging import ROW, UNSPECIFIED, WHERE, Staging
from sightline.local.importing.surveys import survey
from sightline.local.importing.table_files import open_table
from sightline.local.importing.table_options import AS_IT_STANDS, TableOptions


def import_table(
    file: Path,
    *,
    source: Path,
    now: datetime,
    options: TableOptions = AS_IT_STANDS,
    base: Path | None = None,
    asset_type: str | None = None,
    by_uri: bool = False,
    allowed_roots: Sequence[Path] = (),
    known_roots: Sequence[Path] = (),
    on_progress: Callable[[int, int | None], None] | None = None,
) -> ImportReport:
    """Import a table of any length, in constant memory unless it is GeoJSON, which is read whole.

    ``options`` supply what the file does not say about itself. Paths in ``gcs_uri`` are relative to
    ``base``, by default the file's folder. ``asset_type`` is for rows without one; if it is empty,
    the column is required. An unusable row is refused, and the rest is imported; a refusal names
    the row by its number or, with ``by_uri``, by its image. ``on_progress`` receives the number of
    rows read so far, and the total, if known.

    Images are read later from ``base``, which is recorded with ``allowed_roots`` as a folder of the
    project, and from ``known_roots``; the report lists rows whose images are elsewhere.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it is not such a table, or lacks a column; nothing is imported.
        StorageError: the source folder cannot be written; nothing is imported.
    """
    table = open_table(file)
    required = ("observation_id", "gcs_uri", *(("asset_type",) if asset_type is None else ()))
    layout = find_columns(
        file,
        table.schema,
        options.columns,
        required=required,
        geometry=table.geometry,
        crs=options.crs,
    )
    defaults = Defaults(
        asset_type=asset_type or UNSPECIFIED,
        snapshot_id="import-" + re.sub(r"[^\w.-]+", "-", file.stem),
        base=(base or _folder(file)).absolute(),
    )
    readings = survey(table, layout, options)
    positions = Positions(str(file), layout.positions, readings.numbers)
    normaliser = Normaliser(layout, defaults, positions, readings, by_uri=by_uri)
    roots = ImportRoots(source, (defaults.base, *allowed_roots), known_roots)
    used = layout.columns | table.geometry.coverings
    tally = Tally(unused_columns=tuple(name for name in table.schema.names if name not in used))
    for text in (*layout.notes, *readings.notes):
        tally.note(file.name, text)
    rows_read = 0
    with Staging(source) as staging:
        for batch in table.batches(layout.columns, tally):
            rows = normaliser.rows(batch, tally)
            roots.look(_images(rows), tally)
            staging.add(rows)
            rows_read += len(batch.numbers)
            if on_progress is not None:
                on_progress(rows_read, table.rows)
        roots.record(now=now)
        published = staging.publish(now=now, tally=tally)
    if asset_type not in {None, UNSPECIFIED} and rows_read and not tally.without_own_type:
        tally.note(file.name, "--asset-type was not used: every row has its own type")
    note_fetching(file, tally, is_text=isinstance(table, CsvTableFile | GeoJsonTableFile))
    for text in _notes(positions, tally):
        tally.note(file.name, text)
    return tally.report(
        imported=published.imported,
        replaced=published.replaced,
        unchanged=published.unchanged,
        files=published.files,
    )


def _notes(positions: Positions, tally: Tally) -> Iterator[str]:
    """Yield notes on positions of 0, 0 and on images that do not exist."""
    if positions.at_zero:
        yield (
            "latitude 0, longitude 0 is read as no position, since it usually means that there is"
            f" none; rows: {positions.at_zero:,}"
        )
    if tally.missing_count:
        yield (
            f"images that do not exist: {tally.missing_count:,}; put them there before"
            " `sightline work`, or their parts become dead letters (`image_gone`)"
        )
    if tally.backslash_count:
        yield (
            f"paths of images that do not exist, with \\ in them: {tally.backslash_count:,}; write"
            " / instead, since \\ separates folders on Windows only"
        )


def _folder(file: Path) -> Path:
    """Return the folder that relative paths start from."""
    path, _ = split_layer(file)
    return path if path.is_dir() else path.parent


def _images(rows: Any) -> Iterator[tuple[str, str]]:
    """Yield the name of each row in reports, and the URI of its image."""
    uris = rows.column("gcs_uri")
    if pc.all(pc.starts_with(uris, "gs://")).as_py():
        return
    for number, where, uri in zip(
        *(rows.column(name).to_pylist() for name in (ROW, WHERE, "gcs_uri")), strict=True
    ):
        yield where or f"row {number}", uri
