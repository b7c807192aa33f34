"""Loads imported observations into a source table of BigQuery.

The local import creates observations: it reads EXIF and tables, checks each row and reports what it
refuses. This module sets the URIs of their images in a bucket, and loads them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson
import pyarrow.parquet as pq

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.source_table import (
    Loaded,
    lines_of,
    load_observations,
    make_source_table,
)
from sightline.gcp.storage import BucketPrefix
from sightline.model import CameraPose, Observation, PixelBounds
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials
from sightline.wiring.ids import new_id
from sightline.wiring.places import bigquery_place

MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class SourceLoad:
    """A load: its rows, the rows of the table afterwards, and the observations left out.

    ``left_out`` describes the first ``MOST_LISTED`` of those whose image is not in the bucket.
    """

    table: str
    rows: int
    total: int
    without_image: int
    left_out: Sequence[str]


@dataclass(frozen=True, slots=True)
class UploadedFolder:
    """A folder, and the bucket prefix that its images were uploaded to."""

    directory: Path
    target: BucketPrefix

    def uri_of(self, path: Path) -> str | None:
        """Return the URI of an image of the folder; ``None`` if the image is elsewhere."""
        root = self.directory.absolute()
        if not (path.is_relative_to(root) and path.is_file()):
            return None
        return self.target.uri(path.relative_to(root).as_posix())


async def load_imported(
    settings: Settings, files: Sequence[Path], table: str, folder: UploadedFolder | None = None
) -> SourceLoad:
    """Load the observations in files of the local import into a table, which is created if missing.

    Images on this machine get the URI that ``folder`` gives them; observations without one are left
    out.

    Raises:
        ConfigurationError, NotFoundError, TransientError: BigQuery refuses, or is unavailable.
    """
    tally = _Tally()
    loaded = await _load(settings, _with_uris(files, folder, tally), table, tally)
    return SourceLoad(table, tally.rows, loaded.total, tally.without_image, tuple(tally.left_out))


@dataclass(slots=True)
class _Tally:
    """Counts observations as they are written for a load."""

    rows: int = 0
    without_image: int = 0
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, observation: Observation) -> None:
        """Count an observation whose image is not in the bucket."""
        self.without_image += 1
        if len(self.left_out) < MOST_LISTED:
            self.left_out.append(f"{observation.observation_id}: no image {observation.gcs_uri}")


def _with_uris(
    files: Iterable[Path], folder: UploadedFolder | None, tally: _Tally
) -> Iterator[Observation]:
    for file in files:
        for observation in _observations(file):
            uri = _bucket_uri(observation.gcs_uri, folder)
            if uri is None:
                tally.leave_out(observation)
                continue
            tally.rows += 1
            yield replace(observation, gcs_uri=uri)


def _bucket_uri(uri: str, folder: UploadedFolder | None) -> str | None:
    if uri.startswith("gs://"):
        return uri
    path = Path(unquote(urlsplit(uri).path) if uri.startswith("file://") else uri)
    return None if folder is None else folder.uri_of(path)


def _observations(file: Path) -> Iterator[Observation]:
    for batch in pq.ParquetFile(file).iter_batches():
        for row in batch.to_pylist():
            row.pop("imported_at")
            box, pose = row.pop("bbox"), row.pop("camera_pose")
            yield Observation(
                **row,
                bbox=PixelBounds(**orjson.loads(box)) if box else None,
                camera_pose=CameraPose(**orjson.loads(pose)) if pose else None,
            )


async def _load(
    settings: Settings, observations: Iterator[Observation], table: str, tally: _Tally
) -> Loaded:
    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    with tempfile.NamedTemporaryFile(prefix="sightline-upload-") as file:
        for line in lines_of(observations):
            file.write(line)
        file.flush()
        async with BigQueryClient.open(place, credentials) as client:
            await make_source_table(client, table)
            return await load_observations(
                client, table, Path(file.name), rows=tally.rows, load_id=new_id()[:12]
            )
