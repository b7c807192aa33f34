"""Chooses the index for a set of vectors, and keeps on disk what took long to make."""

from __future__ import annotations

from pathlib import Path

from sightline.local.vectors.approximate import SMALLEST, FaissIndex
from sightline.local.vectors.cache import fingerprint_of, load_codes, save_codes
from sightline.local.vectors.exact import ExactIndex
from sightline.local.vectors.index import VectorIndex, Vectors, checked_vectors

EXACT_UP_TO = 200_000
"""Up to here an exact search takes some 10 to 30 ms (512 dimensions, 2 cores)."""


def build_index(
    vectors: Vectors,
    *,
    exact_up_to: int = EXACT_UP_TO,
    cache_dir: Path | None = None,
    fingerprint: str | None = None,
    threads: int = 0,
) -> VectorIndex:
    """Return an index over unit vectors of shape (count, dimension), float32.

    Above ``exact_up_to`` vectors it is approximate, and is read from ``cache_dir`` where one was
    made of the same vectors. ``fingerprint`` names their content (and order), for a caller who
    knows it; else it is computed (about 1 s a gigabyte). ``threads`` bounds faiss, 0 does not.

    Raises:
        ConfigurationError: they are not finite unit vectors.
    """
    if len(vectors) <= max(exact_up_to, SMALLEST):
        return ExactIndex(vectors)
    if cache_dir is None:
        return FaissIndex.build(vectors, threads=threads)
    vectors = checked_vectors(vectors)
    name = fingerprint or fingerprint_of(vectors)
    codes = load_codes(cache_dir, name, vectors.shape)
    if codes is not None:
        return FaissIndex(vectors, codes, threads=threads)
    index = FaissIndex.build(vectors, threads=threads)
    save_codes(cache_dir, name, vectors.shape, index.codes)
    return index
