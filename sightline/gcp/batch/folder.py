"""The bucket folder that holds requests and outputs: written as a whole, read line by line.

All calls block, so they run in threads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sightline.gcp.failures import STORAGE
from sightline.gcp.storage.client import StoragePlace
from sightline.gcp.storage.uri import BucketPrefix

_ABSENT = "create the bucket, or set batch.bucket to an existing one"


class Folder(Protocol):
    """Stores objects under relative names."""

    def uri(self, relative: str) -> str:
        """Return the ``gs://`` URI of an object."""
        ...

    def write(self, relative: str, lines: Iterable[bytes]) -> int:
        """Write these lines as one object, as a whole or not at all; return their number.

        Raises:
            NotFoundError, ConfigurationError, TransientError: see ``sightline.gcp.failures``.
        """
        ...

    def lines(self, below: str) -> Iterator[bytes]:
        """Yield the lines of all ``.jsonl`` objects in a folder; raises as ``write`` does."""
        ...

    def clear(self, below: str) -> None:
        """Remove all objects in a folder; raises as ``write`` does."""
        ...


@dataclass(frozen=True, slots=True)
class BucketFolder:
    """A folder of Cloud Storage, through google-cloud-storage's client."""

    client: Any
    place: StoragePlace
    root: BucketPrefix

    def uri(self, relative: str) -> str:
        """See ``Folder``."""
        return self.root.uri(relative)

    def write(self, relative: str, lines: Iterable[bytes]) -> int:
        """See ``Folder``; without lines, writes no object."""
        count = 0
        with tempfile.TemporaryFile() as file:
            for line in lines:
                file.write(line)
                count += 1
            if not count:
                return 0
            file.seek(0)
            blob = self.client.bucket(self.root.bucket).blob(self.root.name(relative))
            with STORAGE.translated(self.uri(relative), absent=_ABSENT):
                blob.upload_from_file(
                    file,
                    content_type="application/jsonl",
                    checksum="crc32c",
                    **self.place.request_options(),
                )
        return count

    def lines(self, below: str) -> Iterator[bytes]:
        """See ``Folder``."""
        with STORAGE.translated(self.uri(below), absent=_ABSENT):
            blobs = sorted(self._below(below), key=lambda blob: str(blob.name))
            for blob in blobs:
                if not blob.name.endswith(".jsonl"):
                    continue
                with tempfile.TemporaryFile() as file:  # as a whole, so that its checksum is tested
                    blob.download_to_file(file, **self.place.request_options())
                    file.seek(0)
                    yield from file

    def clear(self, below: str) -> None:
        """See ``Folder``."""
        from google.api_core.exceptions import NotFound

        with STORAGE.translated(self.uri(below), absent=_ABSENT):
            for blob in self._below(below):
                try:
                    blob.delete(**self.place.request_options())
                except NotFound:
                    continue  # another process was faster

    def _below(self, below: str) -> list[Any]:
        prefix = f"{self.root.name(below)}/"
        return list(
            self.client.list_blobs(self.root.bucket, prefix=prefix, **self.place.request_options())
        )
