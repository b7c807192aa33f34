"""Texts without what browsers must not learn: names of files and of objects in buckets."""

from __future__ import annotations

import re

_PLACE = re.compile(
    r"\b(?:file|gs)://[^\s'\"`;,)]*|(?<![\w.:/])/(?:[^\s/'\"`;:,)]+/)+[^\s'\"`;:,)]*"
)


def without_places(text: str) -> str:
    """Return a text with "the image" in place of URIs and absolute paths."""
    return _PLACE.sub("the image", text)
