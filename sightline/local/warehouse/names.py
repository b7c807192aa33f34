"""The names of a ledger's files, which hold their kind, generation, and mark of the queue.

An appended file is ``<id>.parquet`` or ``<id>.m<mark>.parquet``; the output of a compaction is
``<id>[.m<mark>].g<generation>.compacted.parquet``, so that it is recognised without its manifest.
Outputs of older versions of this program have no generation. A mark is the queue's, as known to the
writer (``sightline.local.marks``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SUFFIX = ".parquet"
COMPACTED = ".compacted.parquet"
"""Suffix of a file that is valid only if the manifest names it."""

_GENERATION = re.compile(r"\.g(\d{1,18})\.compacted\.parquet$")
_MARK = re.compile(r"\.m(\d{1,18})\.(?:g\d+\.compacted\.)?parquet$")


def appended_name(file_id: str, mark: int) -> str:
    """Return the name of a file that is appended at this mark of the queue; 0 is no mark."""
    return f"{file_id}{f'.m{mark}' if mark else ''}{SUFFIX}"


def output_name(file_id: str, *, generation: int, inputs: Iterable[str]) -> str:
    """Return the name of a compaction's output, which keeps the greatest mark of its inputs."""
    mark = max(map(mark_of, inputs), default=0)
    return f"{file_id}{f'.m{mark}' if mark else ''}.g{generation}{COMPACTED}"


def is_output(path: str) -> bool:
    """Return whether a file is the output of a compaction."""
    return path.endswith(COMPACTED)


def generation_of(path: str) -> int | None:
    """Return the generation of a compaction's output; ``None`` if its name has none."""
    match = _GENERATION.search(path)
    return int(match[1]) if match else None


def mark_of(path: str) -> int:
    """Return the mark of the queue at which a file was written; 0 if its name has none."""
    match = _MARK.search(path)
    return int(match[1]) if match else 0
