"""Converts SQLite's errors to the project's own: one line that ends with the next step."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sightline.errors import ConfigurationError, SightlineError, StorageError, TransientError

_PRIMARY_CODE = 0xFF
"""Extended result codes keep the primary one in their low byte (sqlite.org/rescode.html)."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as errors of the project.

    Raises:
        TransientError: another process locked the file for longer than the busy timeout.
        StorageError: the disk is full, read-only, failing or missing, or the file is damaged.
        ConfigurationError: the file is not a queue.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _as_ours(error, path) from error


def _as_ours(error: sqlite3.Error, path: Path) -> SightlineError:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    kind, sentence = _KINDS.get(code, (StorageError, "{error}; run `sightline doctor`"))
    return kind(f"queue {path}: " + sentence.format(error=error))


_HELD = (TransientError, "another process holds it; try again in a moment")
_READ_ONLY = (StorageError, "it is read-only; make it and its folder writable")

_KINDS: Mapping[int, tuple[type[SightlineError], str]] = {
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_PROTOCOL: _HELD,
    sqlite3.SQLITE_FULL: (StorageError, "the disk is full; free some space and start again"),
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: (
        StorageError,
        "it cannot be opened; name a file in a folder that can be written",
    ),
    sqlite3.SQLITE_IOERR: (StorageError, "{error}; check the disk and the space left on it"),
    sqlite3.SQLITE_NOTADB: (ConfigurationError, "it is not a queue; move it away or name another"),
    sqlite3.SQLITE_CORRUPT: (
        StorageError,
        "it is damaged ({error}); move it away and enqueue with --reconcile",
    ),
}
