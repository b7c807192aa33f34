"""Approximate vector search: recall, filters, rows that come and go, threads."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.errors import ConfigurationError
from sightline.local.vectors import NO_ROW, ExactIndex, FaissIndex, choice
from sightline.local.vectors.training import factory_of

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


def recall(rows: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """Return the share of the true rows that were found."""
    return float(
        np.mean(
            [np.isin(expected, other).mean() for expected, other in zip(true, rows, strict=True)]
        )
    )


def test_recall_at_ten_is_at_least_98_percent(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    true = ExactIndex(vectors).search(queries, 10)
    assert recall(index.search(queries, 10).rows, true.rows) >= 0.98


@pytest.mark.parametrize("share", [0.01, 0.001])
def test_a_selective_filter_finds_what_a_full_scan_finds(
    vectors: Array, queries: Array, index: FaissIndex, share: float
) -> None:
    allowed = np.zeros(COUNT, dtype=np.bool_)
    allowed[np.random.default_rng(4).choice(COUNT, int(COUNT * share), replace=False)] = True
    hits, true = (
        index.search(queries, 10, allowed),
        ExactIndex(vectors).search(queries, 10, allowed),
    )
    np.testing.assert_array_equal(hits.rows, true.rows)
    np.testing.assert_array_equal(hits.scores, true.scores)


def test_scores_are_those_of_the_exact_search(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    hits, true = index.search(queries, 1), ExactIndex(vectors).search(queries, 1)
    same = hits.rows[:, 0] == true.rows[:, 0]
    np.testing.assert_array_equal(hits.scores[same], true.scores[same])
    assert (np.diff(index.search(queries, 10).scores, axis=1) <= 0).all()


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.03])
def test_a_filter_holds_and_keeps_the_recall(
    vectors: Array,
    queries: Array,
    index: FaissIndex,
    share: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "EXACT_ALLOWED", 0)
    allowed = np.random.default_rng(2).random(COUNT) < share
    hits = index.search(queries, 10, allowed)
    assert allowed[hits.rows].all()
    assert recall(hits.rows, ExactIndex(vectors).search(queries, 10, allowed).rows) >= 0.98


def test_a_filter_that_leaves_few_rows_is_searched_exactly(
    vectors: Array, queries: Array, index: FaissIndex
) -> None:
    allowed = np.zeros(COUNT, dtype=np.bool_)
    allowed[::1000] = True
    hits = index.search(queries, 20, allowed)
    true = ExactIndex(vectors).search(queries, 20, allowed)
    np.testing.assert_array_equal(hits.rows, true.rows)
    np.testing.assert_array_equal(hits.scores, true.scores)


def test_lists_that_hold_too_few_are_made_up_for(
    vectors: Array, queries: Array, index: FaissIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "PROBES", 0.0)  # one list
    monkeypatch.setattr(choice, "CANDIDATES", 1)
    hits = index.search(queries[:3], 400)
    assert (hits.rows >= 0).all()


def test_more_rows_than_there_are_come_back_all(queries: Array, index: FaissIndex) -> None:
    hits = index.search(queries[:1], 10 * COUNT)
    assert sorted(hits.rows[0]) == [*range(COUNT)]


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


# --- rows that come and go -----------------------------------------------------------------------


def test_rows_without_a_code_are_found_as_well(vectors: Array, queries: Array) -> None:
    old = FaissIndex.build(vectors[:11_000], threads=1)
    order = np.random.default_rng(5).permutation(COUNT)  # a row's place changes when others come
    place = np.argsort(order)
    grown = FaissIndex(vectors[order], old.codes, rows_of=place[:11_000], threads=1)
    assert (grown.loose, grown.gone) == (1_000, 0)
    true = ExactIndex(vectors[order]).search(queries, 10)
    assert recall(grown.search(queries, 10).rows, true.rows) >= 0.98
    late = vectors[11_500:11_510]
    np.testing.assert_array_equal(grown.search(late, 1).rows[:, 0], place[11_500:11_510])
    topped_up = grown.topped_up()
    assert (topped_up.loose, topped_up.codes.ntotal) == (0, COUNT)
    assert recall(topped_up.search(queries, 10).rows, true.rows) >= 0.98


def test_codes_of_rows_that_are_gone_are_never_found(
    vectors: Array, queries: Array, index: FaissIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "EXACT_ALLOWED", 0)
    kept = np.arange(COUNT) % 3 != 0
    rows_of = np.full(COUNT, NO_ROW, dtype=np.int64)
    rows_of[kept] = np.arange(np.count_nonzero(kept))
    left = vectors[kept]
    shrunk = FaissIndex(left, index.codes, rows_of=rows_of, threads=1)
    assert (shrunk.loose, shrunk.gone) == (0, COUNT // 3)
    allowed = np.arange(len(left)) % 2 == 0
    for mask in (None, allowed):
        hits = shrunk.search(queries, 10, mask)
        assert (hits.rows >= 0).all()
        assert mask is None or mask[hits.rows].all()
        assert recall(hits.rows, ExactIndex(left).search(queries, 10, mask).rows) >= 0.98
