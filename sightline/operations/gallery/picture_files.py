"""A folder of pictures that were made before: whole files, with a bound on their size together."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

from sightline.whole_files import TEMPORARY

logger = logging.getLogger(__name__)

KEPT_SHARE = 0.9
"""The share of the bound that is kept when it is exceeded."""
LEFT_BEHIND_S = 3600.0
"""After this time, a temporary file belongs to a process that was killed."""
TOUCHED_S = 3600.0
"""How often a file's time of use is recorded."""


class PictureFiles:
    """JPEG files by key (hexadecimal digits); those unused for longest are removed first.

    Several threads and processes may share the folder. A file that is not written because the disk
    is full is only made again.
    """

    def __init__(
        self, folder: Path, most_bytes: int, *, now_s: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._now_s = now_s
        self._lock = Lock()
        self._bytes: int | None = None

    def get(self, key: str) -> bytes | None:
        """Return a file's content; ``None`` if there is none, or a crash left part of it."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            if self._now_s() - path.stat().st_mtime > TOUCHED_S:
                os.utime(path, (self._now_s(), self._now_s()))
        except OSError:
            return None
        return content if content[:2] == b"\xff\xd8" and content[-2:] == b"\xff\xd9" else None

    def put(self, key: str, content: bytes) -> None:
        """Keep a picture; failing to is logged, since the picture itself is not lost."""
        path = self._path(key)
        temporary = path.with_name(f".{key}.{uuid.uuid4().hex[:12]}{TEMPORARY}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(content)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            self._bound(len(content))
        except OSError as error:
            logger.warning("a thumbnail is not cached: %s", error.strerror)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.jpg"

    def _bound(self, added: int) -> None:
        with self._lock:
            if self._bytes is None:
                self._bytes = sum(size for _, size, _ in self._files())
            else:
                self._bytes += added
            if self._bytes <= self._most_bytes:
                return
            files = sorted(self._files())
            kept = sum(size for _, size, _ in files)  # other processes write, too
            for _, size, path in files:
                if kept <= self._most_bytes * KEPT_SHARE:
                    break
                path.unlink(missing_ok=True)
                kept -= size
            self._bytes = kept

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield (time of use, bytes, path) of each file; removes what killed processes left."""
        for path in self._folder.glob("*/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # another process removed it
            if path.suffix != TEMPORARY:
                yield status.st_mtime, status.st_size, path
            elif self._now_s() - status.st_mtime > LEFT_BEHIND_S:
                path.unlink(missing_ok=True)
