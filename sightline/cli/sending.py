"""What ``sightline upload`` does: images to a bucket, and their observations to a table.

Observations are made by the local import, which reads EXIF and tables, checks each row and says
what it refuses; here their images are renamed to where they went.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sightline.errors import NotFoundError
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.gcp.bigquery.source_table import Loaded
    from sightline.gcp.storage import BucketPrefix, Upload, UploadReport
    from sightline.local.importing import ImportReport
    from sightline.model import Observation

MOST_TOLD = 20


def find_files(directory: Path, target: BucketPrefix) -> list[Upload]:
    """Return the images below a folder, and the table beside them, in a stable order.

    Files and folders whose name begins with a dot, and linked folders, are passed by, as by the
    import.

    Raises:
        NotFoundError: there is no such folder, or no image in it.
        ConfigurationError: a file has a name that no object can have.
    """
    from sightline.gcp.storage import Upload
    from sightline.local.importing.photos import IMAGE_SUFFIXES, TABLES

    if not directory.is_dir():
        raise NotFoundError(f"{directory} is no folder; give one with photographs")
    found = []
    for path in _walk(directory):
        relative = path.relative_to(directory).as_posix()
        if path.suffix.lower() in IMAGE_SUFFIXES or relative in TABLES:
            target.name(relative)  # before anything is sent
            found.append(Upload(path, relative))
    if not found:
        raise NotFoundError(f"{directory} has no photographs; give a folder that has")
    return found


def send(
    settings: Settings, directory: Path, where: BucketPrefix, *, threads: int = 16
) -> UploadReport:
    """Send a folder's images to a bucket; what is there already is passed by.

    Raises:
        NotFoundError, ConfigurationError, TransientError: of the folder, or of the bucket.
    """
    from sightline.cli.cloud import google_credentials
    from sightline.cli.output import progress_bar
    from sightline.gcp.storage import StoragePlace, open_storage, upload_files
    from sightline.wiring.places import project

    files = find_files(directory, where)
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with (
        open_storage(place, credentials, connections=threads) as client,
        progress_bar("uploading", len(files)) as update,
    ):
        return upload_files(
            client, place, where, files, threads=threads, total=len(files), on_progress=update
        )


def _walk(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file():
            yield path


@dataclass(slots=True)
class Renamed:
    """Observations whose images went to a bucket; those whose image is not there are left out."""

    count: int = 0
    without_image: int = 0
    told: list[str] = field(default_factory=list)

    def leave_out(self, observation: Observation) -> None:
        """Count one whose image is not in the folder."""
        self.without_image += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(f"{observation.observation_id}: no image {observation.gcs_uri}")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where observations are read from: a folder of photographs, or a table with them."""

    directory: Path
    table: Path | None
    asset_type: str | None


def read_observations(
    settings: Settings, sources: Sources, room: Path, now: datetime, on_progress: Any
) -> ImportReport:
    """Import the observations into a folder of their own.

    Raises:
        NotFoundError, ConfigurationError, StorageError: as the import does.
    """
    from sightline.local.importing import import_photos, import_table
    from sightline.model import asset_class

    kind = asset_class(sources.asset_type) if sources.asset_type else None
    if sources.table is not None:
        return import_table(
            sources.table,
            source=room,
            now=now,
            base=sources.directory,
            asset_type=kind,
            on_progress=on_progress,
        )
    return import_photos(
        sources.directory,
        asset_type=kind or asset_class("unspecified"),
        source=room,
        now=now,
        limits=settings.images,
        on_progress=on_progress,
    )


def renamed(
    files: Sequence[Path], directory: Path, target: BucketPrefix, tally: Renamed
) -> Iterator[Observation]:
    """Yield the imported observations with the URIs that their images have now."""
    from dataclasses import replace

    root = directory.absolute()
    for file in files:
        for one in _observations(file):
            uri = _uri_of(one.gcs_uri, root, target)
            if uri is None:
                tally.leave_out(one)
                continue
            tally.count += 1
            yield replace(one, gcs_uri=uri)


def _uri_of(uri: str, root: Path, target: BucketPrefix) -> str | None:
    if uri.startswith("gs://"):
        return uri
    path = Path(unquote(urlsplit(uri).path) if uri.startswith("file://") else uri)
    if not (path.is_relative_to(root) and path.is_file()):
        return None
    return target.uri(path.relative_to(root).as_posix())


def _observations(file: Path) -> Iterator[Observation]:
    import orjson
    import pyarrow.parquet as pq

    from sightline.model import CameraPose, Observation, PixelBounds

    for batch in pq.ParquetFile(file).iter_batches():
        for row in batch.to_pylist():
            row.pop("imported_at")
            box, pose = row.pop("bbox"), row.pop("camera_pose")
            yield Observation(
                **row,
                bbox=PixelBounds(**orjson.loads(box)) if box else None,
                camera_pose=CameraPose(**orjson.loads(pose)) if pose else None,
            )


async def load_source(
    settings: Settings, observations: Iterator[Observation], full_name: str, tally: Renamed
) -> Loaded:
    """Load observations into the source table, which is made if need be.

    Raises:
        ConfigurationError, NotFoundError, TransientError: BigQuery refuses, or is out of reach.
    """
    import asyncio

    from sightline.cli.cloud import google_credentials
    from sightline.gcp.bigquery.client import BigQueryClient
    from sightline.gcp.bigquery.source_table import lines_of, load_observations, make_source_table
    from sightline.wiring import new_id
    from sightline.wiring.places import bigquery_place

    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint or "")
    with tempfile.NamedTemporaryFile(prefix="sightline-upload-") as file:
        for line in lines_of(observations):
            file.write(line)
        file.flush()
        async with BigQueryClient.open(place, credentials) as client:
            await make_source_table(client, full_name)
            return await load_observations(
                client, full_name, Path(file.name), rows=tally.count, load_id=new_id()[:12]
            )
