"""``sightline import gs://bucket/prefix``: what is in a bucket becomes observations, unopened."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError, NotFoundError
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.gcp.storage import BucketPrefix
    from sightline.gcp.storage.listing import Listing, StoredImage
    from sightline.local.importing import ImportReport

Progress = Callable[[int, int | None], None]
COLUMNS = (
    "observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri", "latitude", "longitude",
    "capture_time",
)  # fmt: skip
_FROM_METADATA = ("asset_id", "asset_type", "latitude", "longitude", "capture_time")
_ROWS = 10_000
_ID_CHARACTERS = 32


@contextmanager
def listed(
    settings: Settings, where: BucketPrefix, asset_type: str | None, on_progress: Progress
) -> Iterator[tuple[Path, Listing]]:
    """Yield a table of the images below a prefix, in the columns of ``latest_observations``.

    An image is named by its content, so that listing it again changes nothing; position, time,
    asset and type come from the object's metadata, where it has any.

    Raises:
        NotFoundError: there is no such bucket, or no image below the prefix.
        ConfigurationError, TransientError: the bucket cannot be listed.
    """
    from sightline.cli.cloud import google_credentials
    from sightline.gcp.storage import StoragePlace, open_storage
    from sightline.gcp.storage.listing import Listing, list_images
    from sightline.wiring.places import project

    passed = Listing()
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with (
        tempfile.TemporaryDirectory(prefix="sightline-import-") as room,
        open_storage(place, credentials) as client,
    ):
        table = Path(room) / f"{_slug(where)}.parquet"
        images = list_images(client, place, where, passed)
        if not _write(table, images, _slug(where), asset_type, on_progress):
            raise NotFoundError(f"{where.uri()} has no images; give a prefix that has")
        yield table, passed


def _write(
    file: Path,
    images: Iterator[StoredImage],
    snapshot: str,
    asset_type: str | None,
    on_progress: Progress,
) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        while batch := list(islice(images, _ROWS)):
            rows = [_row(one, snapshot, asset_type) for one in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema))
            count += len(batch)
            on_progress(count, None)
    return count


def _row(image: StoredImage, snapshot: str, asset_type: str | None) -> Mapping[str, str | None]:
    from sightline.local.importing.photos import FOLDER_TYPES

    name = hashlib.sha256(image.content.encode()).hexdigest()[:_ID_CHARACTERS]
    folder = image.relative.partition("/")[0] if "/" in image.relative else ""
    told: dict[str, str | None] = {one: image.metadata.get(one) for one in _FROM_METADATA}
    return {
        **told,
        "observation_id": name,
        "asset_id": told["asset_id"] or name,
        "snapshot_id": f"import-{snapshot}",
        "asset_type": told["asset_type"] or FOLDER_TYPES.get(folder) or asset_type,
        "gcs_uri": image.uri,
    }


def import_bucket(
    settings: Settings,
    where: BucketPrefix,
    *,
    asset_type: str | None,
    source_table: str | None,
    on_progress: Progress,
) -> dict[str, Any]:
    """Make observations of the images below a prefix, where the engine reads its source.

    Raises:
        NotFoundError, ConfigurationError, TransientError, StorageError: the bucket cannot be
            listed, or the source cannot be written.
    """
    with listed(settings, where, asset_type, on_progress) as (table, passed):
        if settings.adapter("warehouse") == "local":
            report = _into_folder(settings, table, asset_type)
            found = report.as_dict()
        else:
            found = _into_table(settings, table, asset_type, source_table)
    return {**found, "ignored": passed.ignored, "empty": passed.empty}


def _into_folder(settings: Settings, table: Path, asset_type: str | None) -> ImportReport:
    from sightline.local.importing import import_table
    from sightline.wiring import source_path, utc_now

    return import_table(
        table,
        source=source_path(settings),
        now=utc_now(),
        asset_type=_class(asset_type),
        by_uri=True,
    )


def _into_table(
    settings: Settings, table: Path, asset_type: str | None, source_table: str | None
) -> dict[str, Any]:
    import asyncio

    from sightline.cli.sending import Renamed, load_source, renamed
    from sightline.gcp.bigquery.place import checked_table
    from sightline.gcp.storage import BucketPrefix
    from sightline.local.importing import import_table
    from sightline.wiring import utc_now

    name = source_table or settings.bigquery.source
    if not name:
        raise ConfigurationError(
            "no table is named to load into; give --source-table, or set bigquery.source"
        )
    checked_table(name, "--source-table")
    tally = Renamed()
    with tempfile.TemporaryDirectory(prefix="sightline-import-") as room:
        report = import_table(
            table,
            source=Path(room),
            now=utc_now(),
            asset_type=_class(asset_type),
            by_uri=True,
        )
        rows = renamed(report.files, table.parent, BucketPrefix("unused"), tally)
        loaded = asyncio.run(load_source(settings, rows, name, tally))
    return {**report.as_dict(), "files": [], "table": name, "total": loaded.total}


def _class(asset_type: str | None) -> str:
    from sightline.model import asset_class

    return asset_class(asset_type or "unspecified")


def _slug(where: BucketPrefix) -> str:
    return re.sub(r"[^\w.-]+", "-", f"{where.bucket}-{where.prefix}".rstrip("-"))[:100]
