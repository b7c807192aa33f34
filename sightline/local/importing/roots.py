"""The folders from which an import lets images be read: those in its arguments, never a row's own.

Images elsewhere are imported all the same, and listed, so that the user decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sightline.errors import PermanentError
from sightline.local.images import ImageFolders, path_of, record_root, recorded_roots
from sightline.local.importing.report import Tally


class ImportRoots:
    """The folders of one import, besides those that the project already has."""

    def __init__(self, source: Path, named: Sequence[Path], others: Sequence[Path]) -> None:
        self._source = source
        self._named = tuple(root.absolute() for root in named)
        known = (*self._named, *others, *recorded_roots(source))
        self._holds = lru_cache(maxsize=4096)(ImageFolders(lambda: known).holds)
        self._local = False

    def look(self, images: Iterable[tuple[str, str]], tally: Tally) -> None:
        """Count the images outside the folders, and the missing ones in them.

        ``images`` are the name and the URI of each. They are not opened.
        """
        for where, uri in images:
            if uri.startswith("gs://"):
                continue
            self._local = True
            try:
                path = path_of(uri)
            except PermanentError:
                continue  # already refused, with its own reason
            folder = os.path.dirname(path)  # noqa: PTH120 - may hold surrogates
            if self._holds(folder):
                is_missing = not os.path.exists(path)  # noqa: PTH110 - as above
                tally.missing_count += is_missing
                tally.backslash_count += is_missing and "\\" in path
            else:
                tally.is_outside(where, os.fsencode(folder).decode("utf-8", "backslashreplace"))

    def look_closely(self, where: str, path: Path, tally: Tally) -> None:
        """Count a photograph that is a symbolic link to a file outside the folders."""
        self._local = True
        if path.is_symlink() and not self._holds(os.fspath(path)):
            folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120 - as above
            tally.is_outside(where, os.fsencode(folder).decode("utf-8", "backslashreplace"))

    def record(self, *, now: datetime) -> None:
        """Record the named folders, if any image is a local file.

        Raises:
            StorageError: they cannot be written.
        """
        for root in self._named if self._local else ():
            record_root(self._source, root, now=now)
