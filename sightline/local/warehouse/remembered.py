"""The digest that is kept beside the warehouse, so that only new files are read.

It is one DuckDB file, which one process uses at a time; others work without it. It may be deleted
at any time, and is rebuilt after any error: it only saves time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb

from sightline.errors import BusyError, StorageError
from sightline.local.warehouse.digest import Digest
from sightline.local.warehouse.engine import DuckDbEngine, Session, quoted
from sightline.local.warehouse.locks import lock_now

Result = TypeVar("Result")

FOLDER = ".digest"
"""Folder below the warehouse's root; safe to delete."""

VERSION = 1
"""The version of its tables; each version has its own file."""


async def remembering(
    engine: DuckDbEngine, work: Callable[[Session, Digest], Result]
) -> Result | None:
    """Run ``work`` with the kept digest; return ``None`` if it cannot be used now.

    After any error, the caller does the same work from the ledgers, and reports their errors.
    """
    folder = engine.store.root / FOLDER
    path = folder / f"runs-{VERSION}.duckdb"
    return await asyncio.to_thread(_remembering, engine, work, path)


def _remembering(
    engine: DuckDbEngine, work: Callable[[Session, Digest], Result], path: Path
) -> Result | None:
    if not engine.store.root.is_dir():
        return None
    try:
        with lock_now(path.with_suffix(".lock"), "the digest is in use"):
            try:
                return engine.read_now(lambda session: _with_digest(session, work, path))
            except (duckdb.Error, StorageError):
                for file in path.parent.glob(f"{path.name}*"):
                    file.unlink(missing_ok=True)
    except (BusyError, StorageError, OSError):
        pass  # another process uses it, or the folder is not writable
    return None


def _with_digest(session: Session, work: Callable[[Session, Digest], Result], path: Path) -> Result:
    session.sql(f"ATTACH {quoted(str(path))} AS digest")
    return work(session, Digest(session, "digest.main"))
