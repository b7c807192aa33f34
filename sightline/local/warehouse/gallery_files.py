"""The image table as a file, named by the ledgers' files it was built from.

It is built beside and renamed, under a lock between processes, and opened read-only: a reader keeps
the file it has open while the next one replaces it. A killed build leaves a hidden file, which the
next build removes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigurationError, StorageError
from sightline.gallery_sql import ImageTable, versions_of
from sightline.gallery_sql.statements import range_pairs, ranges
from sightline.geodata.polygons import bounds_of, parse_polygon, without_seams
from sightline.local.warehouse.engine import (
    Connection,
    DuckDbEngine,
    EngineOptions,
    Session,
    hide_progress_bar,
    moment_of,
    quoted,
)
from sightline.local.warehouse.gallery_build import READS, VERSION, build
from sightline.local.warehouse.locks import lock_waiting
from sightline.local.warehouse.store import Store
from sightline.tasks import stored_task
from sightline.whole_files import storage_errors, write_beside

PREFIX = f"images-{VERSION}-"
SUFFIX = ".duckdb"

READ_OPTIONS = EngineOptions(threads=2, memory_limit="256MB")
"""Bounds of a process that reads the table."""

IMAGES = "gallery.images"
FACTS = "SELECT epoch_us(built_at), tasks FROM gallery.facts"


@dataclass(frozen=True, kw_only=True)
class OpenTable(ImageTable):
    """An image table that is open for reading, and the signature of what it was built from."""

    signature: str
    built_at: datetime
    connection: Connection = field(repr=False)
    _areas: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def rows_in(self, polygon_wkt: str) -> npt.NDArray[np.int64]:
        """Return the rows inside an area; its boundary is outside. The last area is remembered.

        Raises:
            ConfigurationError: the polygon is invalid.
        """
        rows = self._areas.get(polygon_wkt)
        if rows is None:
            rows = _rows_in(self.connection.cursor(), polygon_wkt)
            self._areas.clear()
            self._areas[polygon_wkt] = rows
        return rows


def _rows_in(connection: Connection, polygon_wkt: str) -> npt.NDArray[np.int64]:
    import shapely  # noqa: PLC0415 - 0.1 s, and only for those who give a polygon

    area = parse_polygon(polygon_wkt)
    around = bounds_of(area)
    near = connection.execute(
        f"SELECT rowid, longitude, latitude FROM {IMAGES}"  # noqa: S608 - ours
        " WHERE longitude BETWEEN ? AND ? AND latitude BETWEEN ? AND ?",
        (around.west, around.east, around.south, around.north),
    ).fetchnumpy()
    whole = without_seams(area)
    shapely.prepare(whole)
    inside = shapely.contains_xy(whole, near["longitude"], near["latitude"])
    rows: npt.NDArray[np.int64] = near["rowid"][inside]
    return rows


def signature(store: Store) -> str:
    """Return what identifies the ledgers' current files: these never change."""
    digest = hashlib.sha256()
    for ledger in READS:
        for name in (ledger.name, *store.live_files(ledger)):
            digest.update(f"{name}\n".encode())
    return digest.hexdigest()[:32]


def last_built(folder: Path) -> OpenTable | None:
    """Return the image table that was built last, current or not, if it can be read."""
    for path in sorted(folder.glob(f"{PREFIX}*{SUFFIX}"), key=_built_at, reverse=True):
        with suppress(StorageError):
            return opened(path)
    return None


def _built_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


def path_of(folder: Path, name: str) -> Path:
    """Return the file of the table with this signature."""
    return folder / f"{PREFIX}{name}{SUFFIX}"


def current(
    engine: DuckDbEngine, folder: Path, wanted: str, *, now: Callable[[], datetime]
) -> OpenTable:
    """Return the table with this signature, built if missing or damaged; raises as ``built``."""
    path = built(engine, folder, wanted, now=now)
    try:
        return opened(path)
    except StorageError:  # cut off by a crash of the machine, or not ours
        path.unlink(missing_ok=True)
        return opened(built(engine, folder, wanted, now=now))


def built(engine: DuckDbEngine, folder: Path, wanted: str, *, now: Callable[[], datetime]) -> Path:
    """Return the file of the table with this signature, after building it unless it exists.

    Other processes build one at a time; other files are removed afterwards.

    Raises:
        StorageError: the disk is full, or a ledger cannot be read.
        ConfigurationError: DuckDB cannot open files in this folder.
    """
    path = path_of(folder, wanted)
    if "?" in str(path):  # DuckDB takes the rest of such a name for options
        raise ConfigurationError(f"{folder} has a question mark in its name; rename the folder")
    with lock_waiting(folder / "build.lock"):
        for left in folder.glob(f".{PREFIX}*"):  # of killed builds: nobody else builds now
            left.unlink(missing_ok=True)
        if not path.exists():
            with storage_errors(path):
                write_beside(path, lambda beside: _build(engine, beside, now()))
        for other in folder.glob(f"images-*{SUFFIX}"):
            if other != path:
                other.unlink(missing_ok=True)
    return path


def _build(engine: DuckDbEngine, path: Path, now: datetime) -> None:
    def work(session: Session) -> None:
        path.unlink(missing_ok=True)  # of an earlier try over files that vanished
        session.sql(f"ATTACH {quoted(str(path))} AS built")
        build(session, "built", now=now)
        session.sql("DETACH built")  # which writes everything to the file

    try:
        engine.read_now(work)
    finally:
        with suppress(OSError):
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def opened(path: Path) -> OpenTable:
    """Open an image table for reading.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        connection = duckdb.connect(
            ":memory:",  # a connection to the file itself would share its settings with others
            config={
                "threads": READ_OPTIONS.threads,
                "memory_limit": READ_OPTIONS.memory_limit,
                "temp_directory": str(path.parent / ".spill"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        connection.execute(f"ATTACH {quoted(str(path))} AS gallery (READ_ONLY)")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET late_materialization_max_rows = 2000")
        hide_progress_bar(connection)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        ((built_us, tasks),) = connection.execute(FACTS).fetchall()
        versions = versions_of(
            [stored_task(task["toml"], task["model"], task["fingerprint"]) for task in tasks or ()]
        )
        table = ImageTable(IMAGES, versions)
        ((*bounds,),) = connection.execute(ranges(table)).fetchall()
    except duckdb.Error as error:
        line = str(error).splitlines()[0]
        raise StorageError(f"{path}: {line}; delete the file, then try again") from error
    return OpenTable(
        IMAGES,
        versions,
        range_pairs(table, bounds),
        signature=path.name.removeprefix(PREFIX).removesuffix(SUFFIX),
        built_at=moment_of(built_us),
        connection=connection,
    )
