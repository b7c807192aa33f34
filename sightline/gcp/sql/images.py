"""How chosen parts refer to images: by object references, through an object table, or by URI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sightline.gcp.bigquery.literals import quoted, quoted_list

IN_NO_BUCKET = "bad_uri: an image is not in a bucket, where the model can read it"
IN_NO_NAMED_BUCKET = (
    "bad_uri: an image is in a bucket that images.buckets does not name; if images of it may be"
    " sent to a model, add it there, and replay"
)
IN_NO_TABLE = "not_found: an image is not in the object table"

_URI = "JSON_VALUE(observation, '$.gcs_uri')"
_NO_BUCKET = f"NOT STARTS_WITH(COALESCE({_URI}, ''), 'gs://')"


def _outside(buckets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield conditions for an image in no bucket and, if ``buckets`` are given, in none of them."""
    yield _NO_BUCKET, IN_NO_BUCKET
    if buckets:
        bucket = f"COALESCE(SPLIT(COALESCE({_URI}, ''), '/')[SAFE_OFFSET(2)], '')"
        yield f"{bucket} NOT IN UNNEST({quoted_list(buckets)})", IN_NO_NAMED_BUCKET


class Images(Protocol):
    """Builds the SQL that refers to images."""

    @property
    def image(self) -> str:
        """SQL for the reference to the image at ``uri``."""
        ...

    @property
    def objects(self) -> str:
        """SQL for the join that ``image`` needs; may be empty."""
        ...

    def unreadable(self) -> Iterable[tuple[str, str]]:
        """Yield SQL conditions for an ``observation`` whose image is unreadable, with statuses."""
        ...


@dataclass(frozen=True, slots=True)
class References:
    """Object references built from URIs, read by ``connection``'s account; needs no reservation.

    If ``buckets`` are given, only their images are sent. The same holds for the other classes here.
    """

    connection: str
    buckets: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """See ``Images``."""
        return f"OBJ.MAKE_REF(uri, {quoted(self.connection)})"

    @property
    def objects(self) -> str:
        """See ``Images``."""
        return ""

    def unreadable(self) -> Iterable[tuple[str, str]]:
        """See ``Images``."""
        yield from _outside(self.buckets)


@dataclass(frozen=True, slots=True)
class Uris:
    """The URIs themselves, for requests that are made outside BigQuery."""

    buckets: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """See ``Images``."""
        return "uri"

    @property
    def objects(self) -> str:
        """See ``Images``."""
        return ""

    def unreadable(self) -> Iterable[tuple[str, str]]:
        """See ``Images``."""
        yield from _outside(self.buckets)


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """References from an object table, whose name is quoted."""

    table: str
    buckets: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """See ``Images``."""
        return "objects.ref"

    @property
    def objects(self) -> str:
        """See ``Images``."""
        return f"\nJOIN {self.table} AS objects USING (uri)"

    def unreadable(self) -> Iterable[tuple[str, str]]:
        """See ``Images``."""
        yield from _outside(self.buckets)
        yield f"{_URI} NOT IN (SELECT uri FROM {self.table})", IN_NO_TABLE  # noqa: S608 - quoted
