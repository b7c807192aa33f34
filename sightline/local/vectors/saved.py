"""Stores an index on disk, with digests of its vectors.

A file is validated completely before it is used, and each of its codes is matched with an existing
vector: vectors that have changed or disappeared are not searched through it. So an index remains
usable while vectors are added, and a wrong one is never used.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import StorageError
from sightline.local.vectors.approximate import FaissIndex
from sightline.local.vectors.index import NO_ROW, Rows, Vectors
from sightline.local.vectors.training import import_faiss

Digests = npt.NDArray[np.uint64]

SUFFIX = ".faiss"
_FORMAT = "sightline-index-1"
_BLOCK_ROWS = 65_536
_BEFORE = "*-IVF*.faiss"
"""The first version's index files, one for each content."""


class DamagedIndexError(Exception):
    """A file is not an index, or is incomplete. Handled where indexes are read."""


@dataclass(frozen=True, slots=True)
class SavedIndex:
    """A stored index: ``parts`` and ``digests`` identify the vector of each code."""

    dimension: int
    lists: int
    parts: Digests
    digests: Digests
    codes: bytes

    def for_vectors(
        self, vectors: Vectors, parts: Digests, digests: Digests, *, threads: int
    ) -> FaissIndex:
        """Return the index over the current vectors, matched by their digests."""
        codes = import_faiss().deserialize_index(np.frombuffer(self.codes, dtype=np.uint8))
        rows_of = places_of(self.parts ^ self.digests, parts ^ digests)
        return FaissIndex(vectors, codes, rows_of=rows_of, threads=threads)

    def covered(self, parts: Digests) -> int:
        """Return how many of these parts have a code; vectors are not read."""
        return int(np.count_nonzero(places_of(self.parts, parts) != NO_ROW))


def digests_of(vectors: Vectors) -> Digests:
    """Return 64 bits for each vector, which depend on all its components."""
    chance = np.random.default_rng(20_260_504)
    flat = np.ascontiguousarray(vectors, dtype=np.float32)
    pairs = flat.shape[1] % 2 == 0
    words = flat.view(np.uint64 if pairs else np.uint32)
    odd = chance.integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    digests = np.empty(len(flat), dtype=np.uint64)
    for start in range(0, len(flat), _BLOCK_ROWS):
        block = words[start : start + _BLOCK_ROWS]
        # Modulo 2^64, where no change times an odd number is zero.
        digests[start : start + _BLOCK_ROWS] = np.einsum(
            "ij,j->i", block.astype(np.uint64, copy=False), odd
        )
    return digests


def places_of(digests: Digests, there: Digests) -> Rows:
    """Return the position of each of ``digests`` in ``there``, or ``NO_ROW``."""
    places = np.full(len(digests), NO_ROW, dtype=np.int64)
    if not len(there):
        return places
    order = np.argsort(there, kind="stable")
    ordered = there[order]
    at = np.minimum(np.searchsorted(ordered, digests), len(ordered) - 1)
    same = ordered[at] == digests
    places[same] = order[at[same]]
    return places


def save_index(path: Path, index: FaissIndex, parts: Digests, digests: Digests) -> None:
    """Store an index atomically.

    Raises:
        StorageError: the disk is full, read-only or missing.
    """
    rows_of = index.rows_of
    there = rows_of != NO_ROW
    kept_parts = np.where(there, parts[rows_of], np.uint64(0))
    kept_digests = np.where(there, digests[rows_of], np.uint64(0))
    codes = import_faiss().serialize_index(index.codes).tobytes()
    body = kept_parts.tobytes() + kept_digests.tobytes() + codes
    head = {
        "format": _FORMAT,
        "rows": len(rows_of),
        "dimension": index.dimension,
        "lists": int(index.codes.nlist),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, json.dumps(head).encode() + b"\n" + body)
        for old in path.parent.glob(_BEFORE):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}); make room, or remove what is in the way"
        ) from error


def load_index(path: Path) -> SavedIndex | None:
    """Return the stored index, or ``None`` if there is none.

    Raises:
        DamagedIndexError: the file is not an index, or is incomplete.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedIndexError(str(error.strerror)) from error
    head, newline, body = content.partition(b"\n")
    try:
        about: dict[str, Any] = json.loads(head) if newline else {}
        rows = int(about["rows"])
        if about["format"] != _FORMAT:
            raise DamagedIndexError(f"its format is {about['format']!r}")
        if hashlib.sha256(body).hexdigest() != about["sha256"]:
            raise DamagedIndexError("its content is not what was written")
        return SavedIndex(
            int(about["dimension"]),
            int(about["lists"]),
            np.frombuffer(body, np.uint64, rows),
            np.frombuffer(body, np.uint64, rows, offset=8 * rows),
            body[16 * rows :],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError("it is not an index of this program") from error


def drop_index(path: Path) -> bool:
    """Remove a stored index, and return whether there was one.

    Raises:
        StorageError: it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"{path} cannot be removed ({error.strerror}); remove it") from error
    return True


def _write_whole(path: Path, content: bytes) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
