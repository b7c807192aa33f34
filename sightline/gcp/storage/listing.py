"""Lists the images in a bucket, with their metadata, without opening them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sightline.gcp.failures import STORAGE
from sightline.gcp.storage.client import StoragePlace
from sightline.gcp.storage.uri import BucketPrefix

_FIELDS = "items(name,size,md5Hash,generation,contentType,metadata),nextPageToken"
_IMAGE_NAME = re.compile(r"\.(jpe?g|jpe|jfif|png|webp|heic|heif)$", re.IGNORECASE)
_ABSENT = "correct its name, or create it"


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An object that is an image according to its type or its name.

    ``relative`` is its name below the prefix. ``content`` is the checksum of its content or, if the
    bucket has none, identifies this generation of the object.
    """

    uri: str
    relative: str
    size_bytes: int
    content: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ListingCounts:
    """Counts the objects that were skipped while a bucket was listed."""

    ignored: int = 0
    empty: int = 0


def list_images(
    client: Any, place: StoragePlace, where: BucketPrefix, skipped: ListingCounts
) -> Iterator[StoredImage]:
    """Yield the images below a prefix, ordered by name, in constant memory.

    Raises:
        NotFoundError: the bucket does not exist.
        ConfigurationError: no permission to list it.
        TransientError: the service cannot be reached; run the command again.
    """
    prefix = f"{where.prefix}/" if where.prefix else ""
    bucket = f"gs://{where.bucket}"
    with STORAGE.translated(bucket, absent=_ABSENT):
        pages = iter(
            client.list_blobs(
                where.bucket, prefix=prefix or None, fields=_FIELDS, **place.request_options()
            ).pages
        )
    while True:
        with STORAGE.translated(bucket, absent=_ABSENT):
            page = next(pages, None)
        if page is None:
            return
        for blob in page:
            if not _is_image(blob):
                skipped.ignored += 1
            elif not blob.size:
                skipped.empty += 1
            else:
                yield _image(blob, bucket, prefix)


def _is_image(blob: Any) -> bool:
    kind = blob.content_type or ""
    return kind.startswith("image/") or bool(_IMAGE_NAME.search(blob.name))


def _image(blob: Any, bucket: str, prefix: str) -> StoredImage:
    uri = f"{bucket}/{blob.name}"
    return StoredImage(
        uri,
        blob.name.removeprefix(prefix),
        int(blob.size),
        blob.md5_hash or f"{uri}#{blob.generation}",
        {str(key): str(value) for key, value in (blob.metadata or {}).items()},
    )
