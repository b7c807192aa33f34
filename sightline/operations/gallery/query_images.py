"""Pictures that people search by: uploaded, checked, and kept for a while."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from sightline.errors import NotFoundError
from sightline.operations.images import MAX_PIXELS_IN_MEMORY
from sightline.settings import Settings
from sightline.vision.images import open_image, sniff, too_large
from sightline.whole_files import write_durably

MOST_BYTES = 20_000_000
MOST_KEPT = 200
_KEY = re.compile(r"[0-9a-f]{32}")
_NAME = "the picture"


class QueryImages:
    """Uploaded pictures by key, in files below the home; the oldest are removed."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home / "cache" / "queries"

    def add(self, content: bytes) -> str:
        """Keep a JPEG, PNG or WebP, and return its key; blocks while it is written.

        Raises:
            PermanentError: it is not a readable picture, or is too large.
            StorageError: the disk is full, read-only or missing.
        """
        with open_image(content, _NAME) as image:
            if image.width * image.height > MAX_PIXELS_IN_MEMORY:
                raise too_large(_NAME, f"more than {MAX_PIXELS_IN_MEMORY:,} pixels")
        key = hashlib.sha256(content).hexdigest()[:32]
        kind = sniff(content) or ""
        write_durably(self._folder / f"{key}.{kind.lower()}", content)
        kept = sorted(self._folder.glob("*.*"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-MOST_KEPT]:
            path.unlink(missing_ok=True)
        return key

    def path(self, key: str) -> Path:
        """Return the file of a picture.

        Raises:
            NotFoundError: it is not kept any more.
        """
        if _KEY.fullmatch(key):
            for path in self._folder.glob(f"{key}.*"):
                return path
        raise NotFoundError("the image of this search is not here any more; drop it again")
