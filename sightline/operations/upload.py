"""Uploads your own photographs to a bucket, and loads their observations into a table."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError
from sightline.gcp.bigquery.place import checked_table
from sightline.gcp.storage import (
    BucketPrefix,
    StoragePlace,
    Upload,
    UploadReport,
    open_storage,
    upload_files,
)
from sightline.geodata.gis_files import meant_layer, split_layer
from sightline.given_files import obstacle
from sightline.local.importing import (
    AS_IT_STANDS,
    ImportReport,
    Note,
    TableOptions,
    import_photos,
    import_table,
)
from sightline.local.importing.photos import IMAGE_SUFFIXES, TABLES, table_in
from sightline.operations.importing import with_unknown_types
from sightline.operations.selection import UNSPECIFIED, new_asset_type
from sightline.operations.source_loading import SourceLoad, UploadedFolder, load_imported
from sightline.progress import Progress, Update, no_progress
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials
from sightline.wiring.ids import utc_now
from sightline.wiring.places import project


@dataclass(frozen=True, slots=True)
class FolderLoad:
    """The observations of a folder: those loaded into a table, and those refused.

    ``refusals`` are the first rows and files that the import refused, each with the reason, and
    ``notes`` its first remarks.
    """

    load: SourceLoad
    refused: int
    refusals: Sequence[str]
    notes: Sequence[Note] = ()


@dataclass(frozen=True, slots=True)
class FolderUpload:
    """The uploaded files; ``failures`` describes the first that could not be uploaded.

    ``is_source`` is whether the settings name the table of the observations as the source.
    """

    uri: str
    uploaded: int
    replaced: int
    there: int
    bytes_sent: int
    failed: int
    failures: Sequence[str]
    observations: FolderLoad | None
    is_source: bool


def upload(
    settings: Settings,
    directory: Path,
    target: str | None = None,
    *,
    observations: Path | None = None,
    source_table: str | None = None,
    asset_type: str | None = None,
    new_type: bool = False,
    options: TableOptions = AS_IT_STANDS,
    threads: int = 16,
    progress: Progress = no_progress,
) -> FolderUpload:
    """Upload the photographs of a folder; those in the bucket already are skipped. Blocks.

    ``target`` is ``gs://bucket/prefix``, by default ``gcs.bucket`` and the folder's name.
    ``observations`` is a table of the photographs; with it, or with ``source_table``, their
    observations are loaded. ``options`` supply what a table does not say about itself.

    Raises:
        NotFoundError: there is no such folder, photograph, table or bucket.
        ConfigurationError: no bucket or table is named, or Google Cloud refuses.
        TransientError: a service is unavailable; run it again.
    """
    kind = new_asset_type(settings, asset_type, is_new=new_type)
    where = _target(settings, directory, target)
    table = _source_table(settings, observations, source_table)
    if table is None:
        options.check_unused("no table to load observations into is named with --source-table")
    elif observations is None and table_in(directory) is None:
        options.check_unused(f"{directory} is a folder of photographs")
    report = send_folder(settings, directory, where, threads=threads, progress=progress)
    folder_load = None
    if table is not None:
        folder_load = load_folder(
            settings, UploadedFolder(directory, where), table,
            observations=observations, asset_type=kind, options=options, progress=progress,
        )  # fmt: skip
    return FolderUpload(
        uri=where.uri(),
        uploaded=report.uploaded,
        replaced=report.replaced,
        there=report.there,
        bytes_sent=report.bytes_sent,
        failed=report.failed_count,
        failures=tuple(report.failed),
        observations=folder_load,
        is_source=table == settings.bigquery.source,
    )


def _target(settings: Settings, directory: Path, target: str | None) -> BucketPrefix:
    if target is not None:
        return BucketPrefix.parse(target, "the target")
    if not settings.gcs.bucket:
        raise ConfigurationError("no bucket is set; give gs://bucket/prefix, or set gcs.bucket")
    name = directory.absolute().name
    return BucketPrefix.parse(f"{settings.gcs.bucket}/{name}", "gcs.bucket")


def _source_table(settings: Settings, observations: Path | None, named: str | None) -> str | None:
    if observations is not None and (what := obstacle(split_layer(observations)[0])):
        step = meant_layer(observations) or "give a table"
        raise NotFoundError(f"--observations {observations}: {what}; {step}")
    table = named or (settings.bigquery.source if observations is not None else "")
    if table:
        checked_table(table, "--source-table")
        return table
    if observations is not None:
        raise ConfigurationError(
            "--observations needs a table to load into; give --source-table, or set bigquery.source"
        )
    return None


def send_folder(
    settings: Settings,
    directory: Path,
    where: BucketPrefix,
    *,
    threads: int = 16,
    progress: Progress = no_progress,
) -> UploadReport:
    """Upload a folder's images to a bucket; those in the bucket already are skipped. Blocks.

    Raises:
        NotFoundError, ConfigurationError, TransientError: from the folder, or from the bucket.
    """
    files = _image_files(directory, where)
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with (
        open_storage(place, credentials, connections=threads) as client,
        progress("uploading", len(files)) as update,
    ):
        return upload_files(
            client, place, where, files, threads=threads, total=len(files), on_progress=update
        )


def _image_files(directory: Path, target: BucketPrefix) -> list[Upload]:
    """Return the images below a folder, and the table beside them, in a stable order.

    As in the import, linked folders and names that begin with a dot are skipped.

    Raises:
        NotFoundError: there is no such folder, or no image in it.
        ConfigurationError: a file's name is invalid for an object.
    """
    if not directory.is_dir():
        raise NotFoundError(f"{directory} is not a folder; give one with photographs")
    files = []
    for path in _walk(directory):
        relative = path.relative_to(directory).as_posix()
        if path.suffix.lower() in IMAGE_SUFFIXES or relative in TABLES:
            target.name(relative)  # before anything is uploaded
            files.append(Upload(path, relative))
    if not files:
        raise NotFoundError(f"{directory} contains no photographs; give a folder that does")
    return files


def _walk(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file():
            yield path


def load_folder(
    settings: Settings,
    folder: UploadedFolder,
    table: str,
    *,
    observations: Path | None = None,
    asset_type: str | None = None,
    options: TableOptions = AS_IT_STANDS,
    progress: Progress = no_progress,
) -> FolderLoad:
    """Load the observations of an uploaded folder, or of a table about it, into a table. Blocks.

    Raises:
        NotFoundError, ConfigurationError, StorageError: from the import.
        TransientError: BigQuery is unavailable.
    """
    with (
        tempfile.TemporaryDirectory(prefix="sightline-upload-") as room,
        progress("reading observations", None) as update,
    ):
        report = _import(
            settings, folder.directory, observations, asset_type, options, Path(room), update
        )  # fmt: skip
        load = asyncio.run(load_imported(settings, report.files, table, folder))
    refusals = tuple(f"{refusal.where}: {refusal.detail}" for refusal in report.refusals)
    notes = with_unknown_types(report, settings, asset_type).notes
    return FolderLoad(load, report.refused_count, refusals, notes)


def _import(
    settings: Settings,
    directory: Path,
    observations: Path | None,
    asset_type: str | None,
    options: TableOptions,
    room: Path,
    update: Update,
) -> ImportReport:
    """Import the observations into a separate folder."""
    if observations is not None:
        return import_table(
            observations,
            source=room,
            now=utc_now(),
            options=options,
            base=directory,
            asset_type=asset_type,
            on_progress=update,
        )
    return import_photos(
        directory,
        asset_type=asset_type or UNSPECIFIED,
        source=room,
        now=utc_now(),
        limits=settings.images,
        options=options,
        on_progress=update,
    )
