"""The digest that is kept beside the warehouse, so that it takes in only what is new.

It is one DuckDB file, which one process uses at a time; others go without. It may be deleted at any
time, and whatever is wrong with it, it is made anew: nothing rests on it but speed.
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
"""Of the tables in the file: another version's file is another file."""


async def remembering(
    engine: DuckDbEngine, work: Callable[[Session, Digest], Result]
) -> Result | None:
    """Do work with the digest that is kept; return ``None`` when it cannot be used now.

    Whatever goes wrong, the caller does the same work from the ledgers, which tell what it is.
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
        pass  # another process uses it, or nothing can be written here
    return None


def _with_digest(session: Session, work: Callable[[Session, Digest], Result], path: Path) -> Result:
    session.sql(f"ATTACH {quoted(str(path))} AS digest")
    return work(session, Digest(session, "digest.main"))
