"""Merges the small files of a closed partition into one, without physical duplicates.

Readers and appends continue meanwhile. The outputs are first written under names that readers
ignore; then the manifest is replaced, which in one step makes the outputs valid and their inputs
invalid. If killed before that step, the outputs are garbage; if killed after it, the inputs are.
The next compaction removes garbage: inputs only after a grace period, since a reader may have
listed them, and outputs only once a manifest of their generation or a later one leaves them out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    SPILL,
    DuckDbEngine,
    EngineOptions,
    Session,
    parquet_select,
    quoted,
)
from sightline.local.warehouse.lineage import INPUTS_KEY, inputs_json, unnamed_outputs
from sightline.local.warehouse.locks import lock_now
from sightline.local.warehouse.manifest import Manifest, read_manifest, write_manifest
from sightline.local.warehouse.names import generation_of, is_output, output_name
from sightline.local.warehouse.store import Store, relative_files
from sightline.ports import Compacted
from sightline.schema import LEDGERS, Ledger, duckdb_columns
from sightline.whole_files import TEMPORARY, storage_errors, write_beside

GRACE = timedelta(minutes=10)
"""How long replaced files stay, for readers that listed them earlier."""

LITTER_AGE_S = 3600.0
"""The age from which a temporary file counts as left by a killed writer."""

SPILLED_AGE_S = 86_400.0
"""The age from which a folder of spilled rows counts as left by a killed query."""

ONE_ROW_A_KEY = """
SELECT *{spent} FROM (
  SELECT * FROM ({rows})
  QUALIFY row_number() OVER (PARTITION BY {key}, {first}) = 1)
QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {first}) = 1
"""

SPENT = ("input_tokens", "output_tokens", "cost_usd_micros")
"""The columns summed over duplicates: a part that was paid twice has cost twice."""

EVERY_ROW_ONCE = "SELECT DISTINCT * FROM ({rows})"


def compact_all(
    root: Path,
    *,
    now: datetime,
    everything: bool = False,
    options: EngineOptions = DEFAULT_OPTIONS,
) -> list[Compacted]:
    """Compact every ledger that is partitioned by date; return the result for each.

    Raises:
        BusyError: another process is compacting.
        StorageError: the disk is full, or a file is invalid.
    """
    _clear_spilled(root)
    ledgers = [ledger for ledger in LEDGERS if ledger.partition_by]
    return [
        compact(root, ledger, now=now, everything=everything, options=options)
        for ledger in (*ledgers, *Store(root).embeddings_ledgers())
    ]


def _clear_spilled(root: Path) -> None:
    """Remove the spilled rows of killed queries."""
    with storage_errors(root):
        for folder in root.glob(f"{SPILL}*"):
            if time.time() - folder.stat().st_mtime > SPILLED_AGE_S:
                shutil.rmtree(folder)


def compact(
    root: Path,
    ledger: Ledger,
    *,
    now: datetime,
    everything: bool = False,
    options: EngineOptions = DEFAULT_OPTIONS,
) -> Compacted:
    """Compact the partitions of dates before today (UTC), or with ``everything`` all of them.

    Raises:
        BusyError: another process is compacting this ledger.
        StorageError: the disk is full, a file is invalid, or the ledger's files and its manifest
            contradict each other; then nothing is changed.
    """
    engine = DuckDbEngine(root, options)
    folder = engine.store.folder(ledger)
    if not folder.is_dir():
        return Compacted(ledger.name, partitions=0, rows=0, duplicates=0)
    with compaction_lock(folder):
        engine.store.snapshot(ledger)  # a damaged ledger is not changed
        deleted = _clear_litter(folder, now)
        generation = read_manifest(folder).generation + 1
        today = f"date={now.astimezone(UTC).date()}"
        chosen = {
            partition: files
            for partition, files in _partitions(engine.store, ledger).items()
            if (everything or partition < today) and not _is_compact(files)
        }
        outputs = {
            partition: engine.read_now(
                partial(_merge, ledger=ledger, files=files, generation=generation)
            )
            for partition, files in chosen.items()
        }
        inputs = [path for files in chosen.values() for path in files]
        rows_before = sum(_rows(folder / path) for path in inputs)
        rows = sum(_rows(folder / path) for path in outputs.values())
        if inputs:
            _switch(folder, inputs, [*outputs.values()], generation, now)
        return Compacted(
            ledger.name,
            partitions=len(chosen),
            rows=rows,
            duplicates=rows_before - rows,
            files_before=len(inputs),
            files_after=len(outputs),
            deleted=deleted,
        )


def compaction_lock(folder: Path) -> AbstractContextManager[None]:
    """Lock a ledger's folder, so that one process at a time changes its manifest.

    Raises:
        BusyError: another process holds the lock.
    """
    busy = f"{folder.name} is being compacted by another process; wait for it"
    return lock_now(folder / ".compact.lock", busy)


def _partitions(store: Store, ledger: Ledger) -> dict[str, list[str]]:
    """Return the valid files, by partition, relative to the ledger's folder."""
    folder = store.folder(ledger)
    partitions: dict[str, list[str]] = {}
    for path in store.snapshot(ledger).files:
        relative = path.relative_to(folder).as_posix()
        partition, separator, _ = relative.rpartition("/")
        if separator and partition.startswith("date="):
            partitions.setdefault(partition, []).append(relative)
    return dict(sorted(partitions.items()))


def _is_compact(files: list[str]) -> bool:
    return len(files) == 1 and is_output(files[0])


def _merge(session: Session, *, ledger: Ledger, files: list[str], generation: int) -> str:
    """Write each row of the files once; return the output's path in the ledger's folder."""
    store = session.store
    folder = store.folder(ledger)
    paths = [folder / path for path in files]
    session.watch(ledger, paths)
    rows = parquet_select(paths, duckdb_columns(ledger))
    if ledger.key:
        first = ", ".join(
            f'"{column}"'
            for column in (ledger.partition_by, "worker_id", "attempt")
            if column in ledger.column_names()
        )
        key = ", ".join(ledger.key)
        sums = ", ".join(
            f"sum({column}) OVER (PARTITION BY {key})::BIGINT AS {column}"
            for column in SPENT
            if column in ledger.column_names()
        )
        spent = f" REPLACE ({sums})" if sums else ""
        select = ONE_ROW_A_KEY.format(rows=rows, key=key, first=first, spent=spent)
    else:
        select = EVERY_ROW_ONCE.format(rows=rows)
    order = ", ".join(
        f'"{column}"' for column in (*ledger.cluster_by, ledger.partition_by) if column
    )
    name = output_name(store.new_id(), generation=generation, inputs=files)
    output = f"{files[0].rpartition('/')[0]}/{name}"
    made_of = f"KV_METADATA {{{INPUTS_KEY}: {quoted(inputs_json(files))}}}"

    def fill(temporary: Path) -> None:
        session.sql(
            f"COPY ({select} ORDER BY {order}) TO {quoted(str(temporary))} "
            f"(FORMAT parquet, COMPRESSION zstd, {made_of})"
        )

    write_beside(folder / output, fill)
    return output


def _rows(path: Path) -> int:
    with storage_errors(path):
        return int(pq.read_metadata(path).num_rows)


def _switch(
    folder: Path, inputs: Sequence[str], outputs: Sequence[str], generation: int, now: datetime
) -> None:
    """Make the outputs valid instead of the inputs."""
    before = read_manifest(folder)
    replaced = dict.fromkeys(inputs, now.isoformat())
    write_manifest(
        folder,
        Manifest(
            generation,
            (*(path for path in before.compacted if path not in replaced), *outputs),
            {**before.superseded, **replaced},
        ),
    )


def _clear_litter(folder: Path, now: datetime) -> int:
    """Delete files that earlier compactions replaced or left, and old temporary files; count them.

    Requires a consistent ledger: outputs that the manifest does not name are then those of killed
    compactions. A manifest of their generation leaves them out before they are deleted. A replaced
    file is deleted before the manifest forgets it: in the other order, it would be valid again in
    between.
    """
    manifest = read_manifest(folder)
    unfinished = unnamed_outputs([*relative_files(folder)], manifest)
    newest = max((generation_of(path) or 0 for path in unfinished), default=0)
    if newest > manifest.generation:
        manifest = replace(manifest, generation=newest)
        write_manifest(folder, manifest)
    old = manifest.superseded_before(now - GRACE)
    with storage_errors(folder):
        temporary = [
            path
            for path in folder.rglob(f"*{TEMPORARY}")
            if path.exists() and time.time() - path.stat().st_mtime > LITTER_AGE_S
        ]
        for path in (*(folder / path for path in (*old, *unfinished)), *temporary):
            path.unlink(missing_ok=True)
    if old:
        left = {path: at for path, at in manifest.superseded.items() if path not in old}
        write_manifest(folder, replace(manifest, superseded=left))
    return len(old) + len(unfinished) + len(temporary)
