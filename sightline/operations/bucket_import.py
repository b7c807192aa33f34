"""Imports the images in a bucket as observations, without opening them."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.place import checked_table
from sightline.gcp.storage import BucketPrefix
from sightline.local.importing import ImportReport, import_table
from sightline.operations.bucket_tables import bucket_table
from sightline.operations.selection import UNSPECIFIED, new_asset_type
from sightline.operations.source_loading import load_imported
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.wiring.ids import utc_now
from sightline.wiring.paths import source_path


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """The source table that an import wrote to, and its number of observations afterwards."""

    name: str
    total: int


@dataclass(frozen=True, slots=True)
class BucketImport:
    """An import of a bucket: ``ignored`` objects are not images; ``empty`` images have no bytes.

    ``table`` is ``None`` where observations are stored on this machine.
    """

    report: ImportReport
    ignored: int
    empty: int
    table: LoadedTable | None


def import_bucket(
    settings: Settings,
    uri: str,
    *,
    asset_type: str | None = None,
    new_type: bool = False,
    source_table: str | None = None,
    progress: Progress = no_progress,
) -> BucketImport:
    """Import the images below a prefix into the engine's source. Blocks.

    Raises:
        NotFoundError, ConfigurationError, TransientError, StorageError: the bucket cannot be
            listed, or the source cannot be written.
    """
    where = BucketPrefix.parse(uri, "the bucket")
    is_local = settings.adapter("warehouse") == "local"
    if is_local and source_table is not None:
        raise ConfigurationError(
            f"--source-table {source_table} is for Google Cloud, and observations are stored on"
            " this machine; leave it out"
        )
    kind = new_asset_type(settings, asset_type, is_new=new_type)
    with (
        progress("listing", None) as update,
        bucket_table(settings, where, update) as (file, listing),
    ):
        if is_local:
            report = _import_listed(file, source_path(settings), kind)
            table = None
        else:
            report, table = _load_listed(settings, file, kind, source_table)
        return BucketImport(report, listing.ignored, listing.empty, table)


def _load_listed(
    settings: Settings, file: Path, asset_type: str | None, source_table: str | None
) -> tuple[ImportReport, LoadedTable]:
    name = source_table or settings.bigquery.source
    if not name:
        raise ConfigurationError(
            "no table to load into is set; give --source-table, or set bigquery.source"
        )
    checked_table(name, "--source-table")
    with tempfile.TemporaryDirectory(prefix="sightline-import-") as room:
        report = _import_listed(file, Path(room), asset_type)
        load = asyncio.run(load_imported(settings, report.files, name))
    return report, LoadedTable(name, load.total)


def _import_listed(file: Path, source: Path, asset_type: str | None) -> ImportReport:
    return import_table(
        file, source=source, now=utc_now(), asset_type=asset_type or UNSPECIFIED, by_uri=True
    )
