"""Files that are there whole or not at all: written beside, synced, renamed."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sightline.errors import ConfigurationError, StorageError

TEMPORARY = ".tmp"
"""Suffix of a file that is being written; a process that was killed leaves one behind."""

_NEXT_STEP = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "lift the file size limit (`ulimit -f`)",
    errno.ENAMETOOLONG: "give a shorter name",
}


def check_target(path: Path, *, force: bool) -> None:
    """Check that a file may be written there.

    Raises:
        ConfigurationError: a bucket is meant, its folder is missing, or something is in the way.
    """
    if str(path).startswith(("gs:/", "s3:/", "http:/", "https:/")):
        raise ConfigurationError(
            f"{path} is no local path; export to a file, then `gcloud storage cp FILE gs://...`"
        )
    try:
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder; give the name of a file in it")
        if not path.absolute().parent.is_dir():
            raise ConfigurationError(
                f"there is no folder {path.absolute().parent}; make it, or give another FILE"
            )
        mode = _mode(path)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"{str(path)[:200]!r}: {what}; give another FILE") from error
    if mode is None:
        return
    if not stat.S_ISREG(mode):  # /dev/stdout would be replaced, too
        raise ConfigurationError(f"{path} is a link or a device; give the name of a plain file")
    if not force:
        raise ConfigurationError(f"{path} is there; give another FILE, or --force to replace it")


def _mode(path: Path) -> int | None:
    """Return what is there, links not followed; ``None`` where nothing is."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


@contextmanager
def written_whole(*paths: Path) -> Iterator[Sequence[BinaryIO]]:
    """Yield a file to write for each path; they take the paths' places when the block ends well.

    When it does not, what was there before stays. Of several files that replace older ones, the
    older are removed before the first takes its place, so that old and new never stand together.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    beside = [
        path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:12]}{TEMPORARY}") for path in paths
    ]
    try:
        with storage_errors(paths[0]):
            with ExitStack() as stack:
                files = [stack.enter_context(one.open("xb")) for one in beside]
                yield files
                for file in files:
                    file.flush()
                    os.fsync(file.fileno())
            if len(paths) > 1:
                for path in paths:
                    path.unlink(missing_ok=True)
            for one, path in zip(beside, paths, strict=True):
                one.replace(path)
            _sync_folder(paths[0].absolute().parent)
    finally:
        for one in beside:
            one.unlink(missing_ok=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system complains of into a StorageError about ``path``."""
    try:
        yield
    except OSError as error:
        step = _NEXT_STEP.get(error.errno or 0, "give another FILE")
        what = error.strerror or str(error)
        raise StorageError(f"{path}: {what}; {step}, then run the command again") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
