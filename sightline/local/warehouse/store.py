"""Ledgers as folders of Parquet files: many processes append, a snapshot lists valid files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sightline.errors import ConfigurationError, StorageError
from sightline.local.warehouse.lineage import contradiction
from sightline.local.warehouse.manifest import read_manifest
from sightline.local.warehouse.names import SUFFIX, appended_name, is_output
from sightline.local.warehouse.time_ordered import time_ordered_id
from sightline.schema import LEDGERS, Ledger, embeddings_ledger, parquet_schema
from sightline.whole_files import storage_errors, write_durably

LOOKS = 5
"""How often a ledger is read again if its manifest keeps changing."""

EMBEDDINGS_PREFIX = "embeddings_"
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a ledger at one moment, in a stable order."""

    ledger: Ledger
    files: tuple[Path, ...]


class Store:
    """The folders below ``root``; it has no other state."""

    def __init__(self, root: Path, *, new_id: Callable[[], str] = time_ordered_id) -> None:
        self.root = root.absolute()
        self.new_id = new_id
        try:
            str(self.root).encode()
        except UnicodeEncodeError as error:
            raise ConfigurationError(
                f"{str(self.root)!r} is not a UTF-8 path; give another --home"
            ) from error

    def folder(self, ledger: Ledger) -> Path:
        """Return the folder of a ledger."""
        return self.root / ledger.name

    def folders(self) -> list[Path]:
        """Return the folders of the ledgers: the root, and each ledger's folder in it.

        A ledger's folder may be a symbolic link to another disk.

        Raises:
            StorageError: the root cannot be read.
        """
        return [self.root, *map(self.folder, (*LEDGERS, *self.embeddings_ledgers()))]

    def snapshot(self, ledger: Ledger) -> Snapshot:
        """Return the files of a ledger; see ``live_files``."""
        folder = self.folder(ledger)
        return Snapshot(ledger, tuple(folder / path for path in self.live_files(ledger)))

    def live_files(self, ledger: Ledger) -> list[str]:
        """Return the valid files of a ledger, relative to its folder, in a stable order.

        The appended files are listed before the manifest is read. After a compaction in between,
        its inputs are ignored and its outputs are valid. In the other order, its inputs could
        already be missing from the list while its outputs were not yet known, so that rows would be
        missing.

        Raises:
            StorageError: the folder or its manifest cannot be read, or they contradict each other.
        """
        folder = self.folder(ledger)
        for _ in range(LOOKS):
            with storage_errors(folder):
                files = sorted(relative_files(folder))
            manifest = read_manifest(folder)
            fault = contradiction(folder, files, manifest)
            if fault is None:
                live = [
                    path
                    for path in files
                    if not is_output(path) and path not in manifest.superseded
                ]
                return [*manifest.compacted, *live]
            if read_manifest(folder) == manifest:
                raise StorageError(fault)
        raise StorageError(
            f"{folder} changes faster than it can be read; stop other compactions and run the"
            " command again"
        )

    def append(
        self, table: pa.Table, ledger: Ledger, *, name: str | None = None, mark: int = 0
    ) -> None:
        """Append rows, one file for each date among them; durable on return.

        ``mark`` is the queue's, as known to the writer (``sightline.local.marks``).

        Raises:
            StorageError: the disk is full, read-only or missing.
        """
        for day, rows in _by_date(table, ledger):
            folder = self.folder(ledger) / f"date={day}" if day else self.folder(ledger)
            path = folder / f"{appended_name(name or self.new_id(), mark)}"
            write_durably(path, _parquet_bytes(rows, ledger))

    def append_rows(self, rows: list[dict[str, Any]], ledger: Ledger, *, mark: int = 0) -> None:
        """Append a few rows, given as dicts.

        Raises:
            StorageError: the disk is full, read-only or missing.
        """
        self.append(pa.Table.from_pylist(rows, schema=parquet_schema(ledger)), ledger, mark=mark)

    def embeddings_ledgers(self) -> list[Ledger]:
        """Return the existing ledgers of vectors, by name."""
        with storage_errors(self.root):
            names = sorted(
                entry.name for entry in _scan(self.root) if entry.name.startswith(EMBEDDINGS_PREFIX)
            )
        ledgers = []
        for name in names:
            model, _, dimension = name.removeprefix(EMBEDDINGS_PREFIX).rpartition("_")
            if model and dimension.isdecimal():
                ledgers.append(embeddings_ledger(model, int(dimension)))
        return ledgers

    def work_list(self, run_id: str, bucket: int) -> Path:
        """Return the file of one bucket of a run's work list."""
        folder = self.root / "work_items" / f"run={quote(run_id, safe='')}"
        return folder / f"bucket-{bucket:05d}{SUFFIX}"

    def buckets(self, run_id: str) -> list[Path]:
        """Return the files of a run's work list.

        Raises:
            StorageError: the list cannot be read.
        """
        folder = self.work_list(run_id, 0).parent
        with storage_errors(folder):
            return [folder / name for name in sorted(relative_files(folder))]

    def bucket_sizes(self, run_id: str) -> dict[int, int]:
        """Return the number of items in each bucket of a run's work list.

        Raises:
            StorageError: the list cannot be read.
        """
        with storage_errors(self.root):
            return {
                int(path.name.removeprefix("bucket-").removesuffix(SUFFIX)): int(
                    pq.read_metadata(path).num_rows
                )
                for path in self.buckets(run_id)
            }

    def work_lists(self) -> dict[str, Path]:
        """Return the folders of work lists by run, including that of an unfinished ``open_run``."""
        with storage_errors(self.root):
            return {
                unquote(entry.name.removeprefix("run=")): Path(entry.path)
                for entry in _scan(self.root / "work_items")
                if entry.name.startswith("run=") and entry.is_dir()
            }


def relative_files(folder: Path) -> Iterator[str]:
    """Yield the Parquet files of a ledger's folder, relative to it, without hidden files."""
    for entry in _scan(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from (f"{entry.name}/{name}" for name in relative_files(Path(entry.path)))
        elif entry.name.endswith(SUFFIX):
            yield entry.name


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _by_date(table: pa.Table, ledger: Ledger) -> Iterator[tuple[date | None, pa.Table]]:
    if not table.num_rows:
        return
    if ledger.partition_by is None:
        yield None, table
        return
    days = pc.divide(table.column(ledger.partition_by).cast(pa.int64()), _DAY_US)
    span = pc.min_max(days)
    if span["min"] == span["max"]:
        yield _date(span["min"].as_py()), table
        return
    for day in sorted(pc.unique(days).to_pylist()):
        yield _date(day), table.filter(pc.equal(days, day))


def _date(days_since_1970: int) -> date:
    return date(1970, 1, 1) + timedelta(days=days_since_1970)


def _parquet_bytes(table: pa.Table, ledger: Ledger) -> memoryview:
    """Return the rows as a Parquet file, built in memory, so that a full disk is a single error."""
    vectors = {column.name for column in ledger.columns if column.type == "FLOAT32"}
    plain = [name for name in table.column_names if name not in vectors]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        # Vectors do not compress, and dictionaries do not help for part keys.
        compression={
            **dict.fromkeys(plain, "zstd"),
            **{f"{name}.list.element": "none" for name in vectors},
        },
        use_dictionary=[name for name in plain if name not in {"part_key", "event_id", "body"}],
    )
    return memoryview(sink.getvalue())
