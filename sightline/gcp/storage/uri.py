"""Parses and builds ``gs://`` URIs of a bucket and its objects."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sightline.errors import ConfigurationError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LONGEST_NAME = 1024
"""In bytes of UTF-8 (https://cloud.google.com/storage/docs/objects#naming)."""


@dataclass(frozen=True, slots=True)
class BucketPrefix:
    """A bucket and a prefix of object names, without a trailing slash."""

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str, setting: str) -> BucketPrefix:
        """Parse ``gs://bucket/prefix``, or a bucket's name alone.

        Raises:
            ConfigurationError: the text is neither; the message names ``setting``.
        """
        bucket, _, prefix = text.removeprefix("gs://").partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise ConfigurationError(
                f"{setting} {text[:200]!r} is not accepted; accepted: gs://bucket/prefix"
            )
        return cls(bucket, prefix.strip("/"))

    def name(self, relative: str) -> str:
        """Return the name of an object by its path below the prefix.

        Raises:
            ConfigurationError: Cloud Storage does not accept the name.
        """
        name = f"{self.prefix}/{relative}" if self.prefix else relative
        if len(name.encode(errors="surrogateescape")) > _LONGEST_NAME or not name.isprintable():
            raise ConfigurationError(
                f"{relative[:80]!r} cannot be the name of an object; give the file a plain,"
                " shorter name"
            )
        return name

    def uri(self, relative: str = "") -> str:
        """Return the ``gs://`` URI of an object, or of the prefix itself."""
        name = self.name(relative) if relative else self.prefix
        return f"gs://{self.bucket}/{name}" if name else f"gs://{self.bucket}"


def bucket_and_name(uri: str) -> tuple[str, str]:
    """Return the bucket and the object's name in a ``gs://`` URI.

    Raises:
        ConfigurationError: it is not such a URI.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if not (uri.startswith("gs://") and bucket and name):
        raise ConfigurationError(
            f"{uri[:200]!r} is not a gs:// URI of an image; correct the source"
        )
    return bucket, name
