"""Approximate vector search: recall, filters, threads, and the cache on disk."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.errors import ConfigurationError
from sightline.local.vectors import ExactIndex, FaissIndex, approximate, build_index, cache
from sightline.local.vectors.approximate import factory_of

Array = NDArray[np.float32]
COUNT = 12_000
DIMENSION = 64


def unit(vectors: NDArray[np.floating[Any]]) -> Array:
    """Return the vectors at length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)


@pytest.fixture(scope="module")
def vectors() -> Array:
    """Return vectors as models make them: clusters in a space of few true dimensions, and noise."""
    chance = np.random.default_rng(0)
    centres = chance.standard_normal((200, 12), dtype=np.float32)
    inner = centres[chance.integers(0, 200, COUNT)] + 0.5 * chance.standard_normal((COUNT, 12))
    spread = inner @ chance.standard_normal((12, DIMENSION))
    return unit(spread + 0.3 * chance.standard_normal((COUNT, DIMENSION)))


@pytest.fixture(scope="module")
def queries(vectors: Array) -> Array:
    """Return queries near the vectors, none equal to one."""
    chance = np.random.default_rng(1)
    near = vectors[chance.integers(0, COUNT, 60)]
    return unit(near + 0.05 * chance.standard_normal((60, DIMENSION), dtype=np.float32))


@pytest.fixture(scope="module")
def index(vectors: Array) -> FaissIndex:
    """Return the index over them."""
    return FaissIndex.build(vectors, threads=1)


def recall(found: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """Return the share of the true rows that were found."""
    return float(
        np.mean([np.isin(one, other).mean() for one, other in zip(true, found, strict=True)])
    )


def test_recall_at_ten_is_at_least_95_percent(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    true = ExactIndex(vectors).search(queries, 10)
    assert recall(index.search(queries, 10).rows, true.rows) >= 0.95


def test_scores_are_those_of_the_exact_search(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    found, true = index.search(queries, 1), ExactIndex(vectors).search(queries, 1)
    same = found.rows[:, 0] == true.rows[:, 0]
    np.testing.assert_array_equal(found.scores[same], true.scores[same])
    assert (np.diff(index.search(queries, 10).scores, axis=1) <= 0).all()


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_filter_holds_and_keeps_the_recall(
    vectors: Array,
    queries: Array,
    index: FaissIndex,
    share: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(approximate, "EXACT_ALLOWED", 0)
    allowed = np.random.default_rng(2).random(COUNT) < share
    found = index.search(queries, 10, allowed)
    assert allowed[found.rows].all()
    assert recall(found.rows, ExactIndex(vectors).search(queries, 10, allowed).rows) >= 0.95


def test_a_filter_that_leaves_few_rows_is_searched_exactly(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    allowed = np.zeros(COUNT, dtype=np.bool_)
    allowed[::1000] = True
    found = index.search(queries, 20, allowed)
    true = ExactIndex(vectors).search(queries, 20, allowed)
    np.testing.assert_array_equal(found.rows, true.rows)
    np.testing.assert_array_equal(found.scores, true.scores)


def test_lists_that_hold_too_few_are_made_up_for(
    vectors: Array, queries: Array, index: FaissIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approximate, "_PROBED_SHARE", 10_000)  # one list
    monkeypatch.setattr(approximate, "_CANDIDATES", 1)
    found = index.search(queries[:3], 400)
    assert (found.rows >= 0).all()


def test_more_rows_than_there_are_come_back_all(queries: Array, index: FaissIndex) -> None:
    found = index.search(queries[:1], 10 * COUNT)
    assert sorted(found.rows[0]) == [*range(COUNT)]


def test_the_same_vectors_make_the_same_index(vectors: Array) -> None:
    some = vectors[:2000]
    first, second = (FaissIndex.build(some, threads=1).codes for _ in range(2))
    assert faiss.serialize_index(first).tobytes() == faiss.serialize_index(second).tobytes()


class WatchedCodes:
    """Codes that note how many threads faiss may use while they are searched."""

    def __init__(self, codes: Any) -> None:
        self.nlist = codes.nlist
        self.threads = 0
        self._codes = codes

    def search(self, *arguments: Any, **options: Any) -> Any:
        """Search, and note the threads."""
        self.threads = faiss.omp_get_max_threads()
        return self._codes.search(*arguments, **options)


def test_the_thread_count_is_set_for_a_search_and_put_back_after_it(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    before = faiss.omp_get_max_threads()
    watched = WatchedCodes(index.codes)
    FaissIndex(vectors, watched, threads=before + 1).search(queries[:1], 1)
    assert watched.threads == before + 1
    assert faiss.omp_get_max_threads() == before


def test_too_few_vectors_for_codes_are_refused(vectors: Array) -> None:
    with pytest.raises(ConfigurationError, match="search them exactly"):
        FaissIndex.build(vectors[:100])


@pytest.mark.parametrize(
    ("count", "dimension", "expected"),
    [
        (1_000_000, 512, "IVF4096,PQ128x4fs"),
        (300_000, 256, "IVF2048,PQ64x4fs"),
        (600, 1408, "IVF18,PQ352x4fs"),
        (1000, 9, "IVF31,PQ3x4fs"),
        (1000, 7, "IVF31,PQ7x4fs"),
    ],
)
def test_lists_and_codes_follow_from_the_shape(count: int, dimension: int, expected: str) -> None:
    assert factory_of(count, dimension) == expected


# --- the cache -----------------------------------------------------------------------------------


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how many indexes are built."""
    counts: list[int] = []
    real = FaissIndex.build.__func__  # type: ignore[attr-defined] # a classmethod's function

    def counting(cls: type[FaissIndex], vectors: Array, *, threads: int = 0) -> FaissIndex:
        counts.append(len(vectors))
        found: FaissIndex = real(cls, vectors, threads=threads)
        return found

    monkeypatch.setattr(FaissIndex, "build", classmethod(counting))
    return counts


def test_an_index_is_made_once_for_its_vectors(
    vectors: Array, queries: Array, tmp_path: Path, built: list[int]
) -> None:
    some, other = vectors[:1000], vectors[1:1001]
    first = build_index(some, exact_up_to=0, cache_dir=tmp_path, threads=1)
    again = build_index(some.copy(), exact_up_to=0, cache_dir=tmp_path, threads=1)
    assert built == [1000]
    np.testing.assert_array_equal(again.search(queries, 5).rows, first.search(queries, 5).rows)
    build_index(other, exact_up_to=0, cache_dir=tmp_path, threads=1)
    assert built == [1000, 1000]


def test_a_fingerprint_that_is_given_is_believed(
    vectors: Array, tmp_path: Path, built: list[int]
) -> None:
    for name in ("first", "first", "second/with: odd characters"):
        build_index(vectors[:1000], exact_up_to=0, cache_dir=tmp_path, fingerprint=name, threads=1)
    assert built == [1000, 1000]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_cache_is_made_again(
    vectors: Array,
    tmp_path: Path,
    built: list[int],
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    build_index(vectors[:1000], exact_up_to=0, cache_dir=tmp_path, threads=1)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(
        {"truncated": content[:-100], "flipped": content, "empty": bytearray()}[damage]
    )
    with caplog.at_level(logging.WARNING):
        build_index(vectors[:1000], exact_up_to=0, cache_dir=tmp_path, threads=1)
    assert built == [1000, 1000]
    assert "making the index again" in caplog.text


def test_a_cache_that_cannot_be_written_only_costs_time(
    vectors: Array, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        folder = tmp_path / "file" / "cache"
        index = build_index(vectors[:1000], exact_up_to=0, cache_dir=folder, threads=1)
    assert len(index) == 1000
    assert "cannot be written" in caplog.text


def test_only_the_latest_files_are_kept(vectors: Array, tmp_path: Path) -> None:
    codes = FaissIndex.build(vectors[:600], threads=1).codes
    for i in range(cache.KEPT + 3):
        cache.save_codes(tmp_path, f"name-{i}", (600, DIMENSION), codes)
        for age, path in enumerate(sorted(tmp_path.iterdir(), key=os.path.getmtime)):
            os.utime(path, (age, age))
    assert len([*tmp_path.iterdir()]) == cache.KEPT
    assert cache.load_codes(tmp_path, f"name-{cache.KEPT + 2}", (600, DIMENSION)) is not None
    assert cache.load_codes(tmp_path, "name-0", (600, DIMENSION)) is None
