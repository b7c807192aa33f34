"""Chooses the index for a set of vectors, and stores slow-to-build ones on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightline.errors import ConfigurationError, StorageError
from sightline.local.vectors.approximate import LOOSE_MOST, FaissIndex
from sightline.local.vectors.choice import EXACT_UP_TO, SMALLEST
from sightline.local.vectors.exact import ExactIndex
from sightline.local.vectors.index import VectorIndex, Vectors
from sightline.local.vectors.saved import (
    DamagedIndexError,
    Digests,
    SavedIndex,
    digests_of,
    load_index,
    save_index,
)
from sightline.local.vectors.training import unheard

log = logging.getLogger(__name__)

Fit = Literal["whole", "few are missing", "many are missing", "no"]


@dataclass(frozen=True, slots=True)
class IndexFile:
    """Where an index is stored, and the number of the part of each of its vectors."""

    path: Path
    parts: Digests


def fit_of(rows: int, codes: int, covered: int) -> Fit:
    """Return how well an index with this many codes, ``covered`` of them of existing rows, still
    fits.

    Lists trained on less than half of the vectors divide them poorly.
    """
    if 2 * covered < rows or codes - covered > rows // 4:
        return "no"
    missing = rows - covered
    if not missing:
        return "whole"
    return "few are missing" if missing <= LOOSE_MOST else "many are missing"


def build_index(
    vectors: Vectors,
    *,
    exact_up_to: int = EXACT_UP_TO,
    index_file: IndexFile | None = None,
    threads: int = 0,
    on_progress: Callable[[int], None] = unheard,
) -> VectorIndex:
    """Return an index over unit vectors of shape (count, dimension), float32.

    Above ``exact_up_to`` vectors it is approximate, and below too if one is stored. A stored index
    is used while it fits, updated if many vectors have no code, and rebuilt if it no longer fits.
    ``threads`` bounds faiss, 0 does not.

    Raises:
        ConfigurationError: they are not finite unit vectors.
    """
    if len(vectors) < SMALLEST:
        return ExactIndex(vectors)
    saved = _saved(index_file)
    if saved is None and len(vectors) <= exact_up_to:
        return ExactIndex(vectors)
    return _brought_up_to_date(
        vectors, index_file, saved, exact_up_to, threads=threads, on_progress=on_progress
    )


def make_index(
    vectors: Vectors,
    index_file: IndexFile,
    *,
    threads: int = 0,
    on_progress: Callable[[int], None] = unheard,
) -> FaissIndex:
    """Return an index with a code for every vector, and store it; one that fits is not rebuilt.

    Raises:
        ConfigurationError: too few vectors, or they are not finite unit vectors.
        StorageError: it cannot be stored.
    """
    if len(vectors) < SMALLEST:
        raise ConfigurationError(
            f"{len(vectors):,} vectors get no index, which needs {SMALLEST:,}; search compares all"
            " of them, which is exact and takes no time"
        )
    digests = digests_of(vectors)
    saved = _saved(index_file)
    if saved is not None and saved.dimension == vectors.shape[1]:
        index = saved.for_vectors(vectors, index_file.parts, digests, threads=threads)
        fit = _fit(index)
        if fit == "whole":
            on_progress(100)
            return index
        if fit != "no":
            index = index.topped_up(on_progress=on_progress)
            save_index(index_file.path, index, index_file.parts, digests)
            return index
    index = FaissIndex.build(vectors, threads=threads, on_progress=on_progress)
    save_index(index_file.path, index, index_file.parts, digests)
    return index


def _brought_up_to_date(
    vectors: Vectors,
    index_file: IndexFile | None,
    saved: SavedIndex | None,
    exact_up_to: int,
    *,
    threads: int,
    on_progress: Callable[[int], None],
) -> VectorIndex:
    digests = digests_of(vectors) if index_file is not None else None
    index: FaissIndex | None = None
    if saved is not None and index_file is not None and digests is not None:
        if saved.dimension == vectors.shape[1]:
            index = saved.for_vectors(vectors, index_file.parts, digests, threads=threads)
        fit = _fit(index) if index is not None else "no"
        if index is not None and fit in {"whole", "few are missing"}:
            return index
        if index is not None and fit == "many are missing":
            return _kept_too(index.topped_up(on_progress=on_progress), index_file, digests)
        if len(vectors) <= exact_up_to:
            log.warning(
                "%s does not fit the vectors, comparing all of them instead", index_file.path
            )
            return ExactIndex(vectors)
        log.warning("%s does not fit the vectors, building the index again", index_file.path)
    new_index = FaissIndex.build(vectors, threads=threads, on_progress=on_progress)
    if index_file is None or digests is None:
        return new_index
    return _kept_too(new_index, index_file, digests)


def _kept_too(index: FaissIndex, index_file: IndexFile, digests: Digests) -> FaissIndex:
    """Return the index, stored if possible: a search works without that."""
    try:
        save_index(index_file.path, index, index_file.parts, digests)
    except StorageError as error:
        log.warning("the index is not stored: %s", error)
    return index


def _saved(index_file: IndexFile | None) -> SavedIndex | None:
    if index_file is None:
        return None
    try:
        return load_index(index_file.path)
    except DamagedIndexError as error:
        log.warning("%s is damaged (%s), continuing without it", index_file.path, error)
        return None


def _fit(index: FaissIndex) -> Fit:
    codes = len(index.rows_of)
    return fit_of(len(index), codes, codes - index.gone)
