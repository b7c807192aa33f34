"""Durable files: written beside, synced, renamed, so that a reader never sees half of one."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.errors import StorageError

TEMPORARY = ".tmp"
"""Suffix of a file that is being written; readers look at ``.parquet`` and ``.json`` only."""

_NEXT_STEP = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "lift the file size limit (`ulimit -f`)",
    errno.EROFS: "mount it writable, or give another --home",
    errno.EACCES: "give write permission, or another --home",
    errno.EPERM: "give write permission, or another --home",
    errno.ENOTDIR: "move the file that is in the way",
    errno.EEXIST: "move the file that is in the way",
    errno.EMFILE: "allow more open files (`ulimit -n`)",
}


def time_ordered_id() -> str:
    """Return a UUID (version 7): names made later sort later, and no two are the same."""
    random = int.from_bytes(os.urandom(10), "big")
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | (0x7 << 76) | ((random >> 68 & 0xFFF) << 64)
    value |= (0b10 << 62) | (random & ((1 << 62) - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error of a failed read or write, which says what to do."""
    step = _NEXT_STEP.get(error.errno or 0, "check the disk")
    what = error.strerror or str(error)
    return StorageError(f"{error.filename or path}: {what}; {step}, then run the command again")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system complains of into a StorageError about ``path``."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Write a whole file, or none; durable when it returns.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """

    def fill(temporary: Path) -> None:
        with temporary.open("xb") as file:
            file.write(content)

    write_beside(path, fill)


def write_beside(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write a temporary file beside ``path``, sync it and rename it to ``path``.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    with storage_errors(path):
        make_directory(path.parent)
        temporary = path.with_name(f"{path.name}.{time_ordered_id()}{TEMPORARY}")
        try:
            fill(temporary)
            sync(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file atomically.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    write_durably(path, json.dumps(value, indent=1).encode())


def make_directory(path: Path) -> None:
    """Make a directory and its parents, durably."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make a file's content, or a directory's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
