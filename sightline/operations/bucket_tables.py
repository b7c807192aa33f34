"""Lists the images in a bucket as a table of observations, without opening them."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.errors import NotFoundError
from sightline.gcp.storage import BucketPrefix, StoragePlace, open_storage
from sightline.gcp.storage.listing import ListingCounts, StoredImage, list_images
from sightline.local.importing.photos import folder_type
from sightline.progress import Update
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials
from sightline.wiring.places import project

COLUMNS = (
    "observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri", "latitude", "longitude",
    "capture_time",
)  # fmt: skip
_FROM_METADATA = ("asset_id", "asset_type", "latitude", "longitude", "capture_time")
_ROWS = 10_000
_ID_CHARACTERS = 32


@contextmanager
def bucket_table(
    settings: Settings, where: BucketPrefix, update: Update
) -> Iterator[tuple[Path, ListingCounts]]:
    """Yield a table of the images below a prefix, in the columns of ``latest_observations``.

    Image IDs are derived from the content, so that a second listing changes nothing. Position,
    time, asset and type come from the object's metadata, if present.

    Raises:
        NotFoundError: there is no such bucket, or no image below the prefix.
        ConfigurationError, TransientError: the bucket cannot be listed.
    """
    listing = ListingCounts()
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with (
        tempfile.TemporaryDirectory(prefix="sightline-import-") as room,
        open_storage(place, credentials) as client,
    ):
        table = Path(room) / f"{_slug(where)}.parquet"
        images = list_images(client, place, where, listing)
        if not _write(table, images, _slug(where), update):
            raise NotFoundError(f"{where.uri()} contains no images; give a prefix that does")
        yield table, listing


def _write(
    file: Path,
    images: Iterator[StoredImage],
    snapshot: str,
    update: Update,
) -> int:
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        while batch := list(islice(images, _ROWS)):
            rows = [_row(image, snapshot) for image in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema))
            count += len(batch)
            update(count, None)
    return count


def _row(image: StoredImage, snapshot: str) -> Mapping[str, str | None]:
    name = hashlib.sha256(image.content.encode()).hexdigest()[:_ID_CHARACTERS]
    folder = image.relative.partition("/")[0] if "/" in image.relative else ""
    metadata: dict[str, str | None] = {key: image.metadata.get(key) for key in _FROM_METADATA}
    return {
        **metadata,
        "observation_id": name,
        "asset_id": metadata["asset_id"] or name,
        "snapshot_id": f"import-{snapshot}",
        "asset_type": metadata["asset_type"] or folder_type(folder),
        "gcs_uri": image.uri,
    }


def _slug(where: BucketPrefix) -> str:
    return re.sub(r"[^\w.-]+", "-", f"{where.bucket}-{where.prefix}".rstrip("-"))[:100]
