"""The inputs recorded in compacted files, and the files that contradict the manifest.

The output of a compaction stores the names of its inputs in its own metadata. So a manifest can be
checked against the files, and rebuilt from them if it is lost.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.local.warehouse.manifest import MANIFEST, REBUILD, Manifest
from sightline.local.warehouse.names import generation_of, is_output
from sightline.whole_files import storage_errors

INPUTS_KEY = "sightline_inputs"
"""Key, in the metadata of a compaction's output, of the JSON list of its inputs."""


def inputs_json(inputs: Sequence[str]) -> str:
    """Return the value of ``INPUTS_KEY`` for an output with these inputs."""
    return json.dumps(sorted(inputs))


def inputs_of(path: Path) -> tuple[str, ...] | None:
    """Return the inputs of an output, relative to the ledger's folder.

    ``None`` if they are not recorded: it is not Parquet, or of an older version of this program.

    Raises:
        FileNotFoundError: it no longer exists.
        StorageError: it cannot be read.
    """
    try:
        with storage_errors(path):
            metadata = pq.read_metadata(path).metadata or {}
        inputs = json.loads(metadata[INPUTS_KEY.encode()])
    except (pa.ArrowException, ValueError, KeyError):
        return None
    return tuple(map(str, inputs)) if isinstance(inputs, list) else None


def unnamed_outputs(files: Collection[str], manifest: Manifest) -> list[str]:
    """Return the outputs among the files that the manifest does not mention."""
    named = {*manifest.compacted, *manifest.superseded}
    return [path for path in files if is_output(path) and path not in named]


def contradiction(folder: Path, files: Collection[str], manifest: Manifest) -> str | None:
    """Return the contradiction between a ledger's files and its manifest, in a line, or ``None``.

    ``files`` are those that existed before the manifest was read. An output that the manifest does
    not name is harmless in two cases: a manifest of its generation or a later one left it out, so
    it was replaced; or all its inputs are still valid, so a compaction was killed before it
    replaced the manifest. In every other case it may be the only copy of its rows.
    """
    there = frozenset(files)
    live = {*manifest.compacted, *(path for path in there if path not in manifest.superseded)}
    for path in unnamed_outputs(files, manifest):
        generation = generation_of(path)
        if generation is not None and generation <= manifest.generation:
            continue
        if not _is_unfinished(folder / path, live):
            state = "is older than" if (folder / MANIFEST).exists() else "is missing beside"
            return (
                f"{folder / MANIFEST} {state} {path}, which may hold the only copy of its rows;"
                f" restore the manifest from a backup, or {REBUILD}"
            )
    for path in manifest.compacted:
        if path not in there and not (folder / path).exists():
            return (
                f"{folder / path} is missing, though {MANIFEST} names it; copy it back from a"
                " backup, then run the command again"
            )
    return None


def _is_unfinished(path: Path, live: Collection[str]) -> bool:
    """Return whether an output is a killed compaction's: all its rows are in other valid files."""
    if not path.exists():
        return True  # replaced and deleted since it was listed
    inputs = inputs_of(path)
    return inputs is not None and all(path in live for path in inputs)
