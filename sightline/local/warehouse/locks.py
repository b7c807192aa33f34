"""Locks between processes: the system releases an flock when its holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sightline.errors import BusyError
from sightline.whole_files import make_directory, storage_errors

POLL_S = 0.02
"""How often a waiting process tries again, in seconds."""


@contextmanager
def lock_now(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file, or fail immediately.

    Raises:
        BusyError: with the message ``busy``, another process (or task) holds it.
        StorageError: the lock file cannot be created.
    """
    descriptor = _open(path)
    try:
        if not _try(descriptor):
            raise BusyError(busy)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def lock_waiting(path: Path) -> Iterator[None]:
    """Hold the lock file, after waiting for its current holder, without an event loop.

    Raises:
        StorageError: the lock file cannot be created.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def lock_in_turn(path: Path) -> AsyncIterator[None]:
    """Hold the lock file, after waiting for its current holder; waiting can be cancelled.

    Raises:
        StorageError: the lock file cannot be created.
    """
    descriptor = _open(path)
    try:
        while not _try(descriptor):  # noqa: ASYNC110 - another process releases it, so no event can
            await asyncio.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a process holds a lock file, without making a caller of ``in_turn`` fail.

    Raises:
        StorageError: the lock file cannot be read.
    """
    with storage_errors(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


def _open(path: Path) -> int:
    with storage_errors(path):
        make_directory(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
