"""Rebuilds a ledger's manifest from the inputs recorded in its compacted files.

Nothing is deleted and no row is left out: a file counts as replaced only if an existing output
records it as an input, or an existing manifest says so. An output of a killed compaction is ignored
if another output has all of its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sightline.errors import StorageError
from sightline.local.warehouse.compaction import compaction_lock
from sightline.local.warehouse.lineage import contradiction, inputs_of
from sightline.local.warehouse.manifest import (
    DamagedManifestError,
    Manifest,
    read_manifest,
    write_manifest,
)
from sightline.local.warehouse.names import generation_of, is_output
from sightline.local.warehouse.store import Store, relative_files
from sightline.ports import Repaired
from sightline.schema import LEDGERS, Ledger
from sightline.whole_files import storage_errors


def repair_all(root: Path, *, now: datetime) -> list[Repaired]:
    """Rebuild the manifest of every ledger whose files contradict it; return the results.

    Raises:
        BusyError: another process is compacting.
        StorageError: a file that a manifest names is missing, or the disk is full.
    """
    store = Store(root)
    ledgers = [ledger for ledger in LEDGERS if ledger.partition_by]
    repaired = [_repair(store, ledger, now) for ledger in (*ledgers, *store.embeddings_ledgers())]
    return [result for result in repaired if result is not None]


def _repair(store: Store, ledger: Ledger, now: datetime) -> Repaired | None:
    folder = store.folder(ledger)
    if not folder.is_dir():
        return None
    with compaction_lock(folder):
        with storage_errors(folder):
            files = sorted(relative_files(folder))
        known = _readable(folder)
        if known is not None and contradiction(folder, files, known) is None:
            return None
        manifest = rebuilt(folder, files, known or Manifest(), now)
        if (fault := contradiction(folder, files, manifest)) is not None:
            raise StorageError(fault)
        write_manifest(folder, manifest)
        counted = len(files) - len(manifest.superseded)
        return Repaired(ledger.name, files=counted, replaced=len(manifest.superseded))


def _readable(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except DamagedManifestError:
        return None


def rebuilt(folder: Path, files: list[str], known: Manifest, now: datetime) -> Manifest:
    """Return the manifest derived from these files; ``known`` is the content of an older one.

    An output that ``known`` names stays named even if it is missing, so that this is reported.
    """
    there = frozenset(files)
    outputs = {path: inputs_of(folder / path) or () for path in files if is_output(path)}
    replaced = {path for inputs in outputs.values() for path in inputs} | known.superseded.keys()
    ends = [path for path in outputs if path not in replaced]
    replaced |= _covered(ends, outputs)
    missing = [path for path in known.compacted if path not in there and path not in replaced]
    generations = [generation_of(path) or 0 for path in outputs]
    return Manifest(
        max([known.generation, *generations]) + 1,
        (*missing, *(path for path in ends if path not in replaced)),
        {path: known.superseded.get(path, now.isoformat()) for path in files if path in replaced},
    )


def _covered(ends: list[str], outputs: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the outputs whose inputs are all inputs of one later output too."""
    made_of = {path: _sources(path, outputs) for path in ends}
    return {
        path
        for path in ends
        if made_of[path]
        and any(
            made_of[path] <= made_of[other]
            and (generation_of(path) or 0) < (generation_of(other) or 0)
            for other in ends
        )
    }


def _sources(path: str, outputs: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the original files of an output, as far as they are known."""
    sources: set[str] = set()
    left = list(outputs[path])
    while left:
        source = left.pop()
        if outputs.get(source):
            left += outputs[source]
        else:
            sources.add(source)
    return frozenset(sources)
