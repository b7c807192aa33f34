"""Atomic files: written beside the target, synced, renamed.

A reader never sees half of a file, and after a crash of the machine it is complete or absent.
"""

from __future__ import annotations

import errno
import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sightline.errors import StorageError

TEMPORARY = ".tmp"
"""Suffix of a file being written; a killed process leaves one behind."""
_SHOWN_OF_NAME = 40
"""How many characters of a file's name its temporary file repeats, since names are limited."""

_NEXT_STEP = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "lift the file size limit (`ulimit -f`)",
}
_NEXT_STEP_OF_OUTPUTS = {**_NEXT_STEP, errno.ENAMETOOLONG: "give a shorter name"}
_NEXT_STEP_OF_HOME = {
    **_NEXT_STEP,
    errno.EROFS: "mount it writable, or give another --home",
    errno.EACCES: "give write permission, or another --home",
    errno.EPERM: "give write permission, or another --home",
    errno.ENOTDIR: "move the file that is in the way",
    errno.EEXIST: "move the file that is in the way",
    errno.EMFILE: "allow more open files (`ulimit -n`)",
}


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error of a failed read or write below the home, with what to do."""
    step = _NEXT_STEP_OF_HOME.get(error.errno or 0, "check the disk")
    what = error.strerror or str(error)
    return StorageError(f"{error.filename or path}: {what}; {step}, then run the command again")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Convert an operating system error into a StorageError about ``path``."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """The same for a file whose name the user chose."""
    try:
        yield
    except OSError as error:
        step = _NEXT_STEP_OF_OUTPUTS.get(error.errno or 0, "give another FILE")
        what = error.strerror or str(error)
        raise StorageError(f"{path}: {what}; {step}, then run the command again") from error


@contextmanager
def beside(*paths: Path) -> Iterator[Sequence[Path]]:
    """Yield a path to write for each path; they replace the paths when the block succeeds.

    If it fails, the previous files stay. If several files replace older ones, the older ones are
    removed before the first replacement, so that old and new files never exist together.
    """
    temporary = [
        path.with_name(f".{path.name[:_SHOWN_OF_NAME]}.{uuid.uuid4().hex[:12]}{TEMPORARY}")
        for path in paths
    ]
    try:
        yield temporary
        for temporary_path in temporary:
            sync(temporary_path)
        if len(paths) > 1:
            for path in paths:
                path.unlink(missing_ok=True)
        for temporary_path, path in zip(temporary, paths, strict=True):
            temporary_path.replace(path)
        sync(paths[0].absolute().parent)
    finally:
        for temporary_path in temporary:
            temporary_path.unlink(missing_ok=True)


@contextmanager
def written_whole(*paths: Path) -> Iterator[Sequence[BinaryIO]]:
    """Yield an open file for each path that the user chose; see ``beside``.

    Raises:
        StorageError: the disk is full, read-only or missing.
    """
    with output_errors(paths[0]), beside(*paths) as temporary, ExitStack() as stack:
        yield [stack.enter_context(path.open("xb")) for path in temporary]


def write_beside(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write a temporary file beside ``path``, sync it and rename it to ``path``.

    Raises:
        StorageError: the disk is full, read-only or missing.
    """
    with storage_errors(path):
        make_directory(path.parent)
        with beside(path) as (temporary,):
            fill(temporary)


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Write a file atomically; durable on return.

    Raises:
        StorageError: the disk is full, read-only or missing.
    """

    def fill(temporary: Path) -> None:
        with temporary.open("xb") as file:
            file.write(content)

    write_beside(path, fill)


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file atomically.

    Raises:
        StorageError: the disk is full, read-only or missing.
    """
    write_durably(path, json.dumps(value, indent=1).encode())


def make_directory(path: Path) -> None:
    """Create a directory and its parents, durably."""
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
