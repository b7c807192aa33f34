"""Exact vector search against a naive one, and the choice between indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.errors import ConfigurationError
from sightline.local.vectors import NO_ROW, ExactIndex, FaissIndex, Found, build_index, exact

Array = NDArray[np.float32]


def random_units(count: int, dimension: int, seed: int = 0) -> Array:
    """Return random unit vectors."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def naive_search(vectors: Array, queries: Array, top: int, allowed: Any = None) -> Found:
    """Search by sorting everything, with exact sums."""
    width = min(top, len(vectors))
    scan = Found(
        np.full((len(queries), width), -np.inf, np.float32),
        np.full((len(queries), width), NO_ROW, np.int64),
    )
    for i, query in enumerate(queries):
        scores = (vectors.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
        rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
        best = rows[np.argsort(-scores[rows], kind="stable")][:width]
        scan.rows[i, : len(best)] = best
        scan.scores[i, : len(best)] = scores[best]
    return scan


# Sums of these are exact in float32, so ties are ties.
CORNERS = np.array(
    [[a / 2, b / 2, c / 2, d / 2] for a in (1, -1) for b in (1, -1) for c in (1, -1) for d in (1,)]
    + [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0]],
    dtype=np.float32,
)
corners = st.lists(st.integers(0, len(CORNERS) - 1), max_size=300).map(
    lambda rows: CORNERS[rows].reshape(-1, 4)
)


@given(corners, corners.filter(lambda some: len(some) < 5), st.integers(1, 400), st.data())
@settings(max_examples=200, deadline=None)
def test_exact_search_finds_what_a_naive_one_finds_ties_included(
    vectors: Array, queries: Array, top: int, data: st.DataObject
) -> None:
    masks = st.lists(st.booleans(), min_size=len(vectors), max_size=len(vectors))
    mask = data.draw(st.none() | masks)
    allowed = None if mask is None else np.array(mask, dtype=np.bool_)
    hits = ExactIndex(vectors).search(queries, top, allowed)
    expected = naive_search(vectors, queries, top, allowed)
    np.testing.assert_array_equal(hits.rows, expected.rows)
    np.testing.assert_array_equal(hits.scores, expected.scores)


@pytest.mark.parametrize("share", [None, 0.5, 0.05, 0.0005])
@pytest.mark.parametrize("top", [1, 10, 300])
def test_exact_search_agrees_with_a_naive_one_over_many_vectors(
    top: int, share: float | None
) -> None:
    vectors, queries = random_units(20_000, 64), random_units(3, 64, seed=1)
    chance = np.random.default_rng(2)
    allowed = None if share is None else chance.random(len(vectors)) < share
    hits = ExactIndex(vectors).search(queries, top, allowed)
    expected = naive_search(vectors, queries, top, allowed)
    np.testing.assert_array_equal(hits.rows, expected.rows)
    np.testing.assert_allclose(hits.scores, expected.scores, rtol=1e-6)


def test_many_queries_are_answered_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = random_units(500, 16), random_units(40, 16, seed=1)
    whole = ExactIndex(vectors).search(queries, 5)
    monkeypatch.setattr(exact, "_SCORES_AT_ONCE", 1500)
    monkeypatch.setattr(exact, "_GATHER_ROWS", 7)
    np.testing.assert_array_equal(ExactIndex(vectors).search(queries, 5).rows, whole.rows)
    few = np.arange(500) % 10 == 0
    np.testing.assert_array_equal(
        ExactIndex(vectors).search(queries, 5, few).rows,
        naive_search(vectors, queries, 5, few).rows,
    )


def test_equal_vectors_score_equally_wherever_they_stand() -> None:
    vectors = np.repeat(random_units(1, 511), 10_007, axis=0)
    hits = ExactIndex(vectors).search(random_units(1, 511, seed=3), 50)
    assert hits.rows[0].tolist() == [*range(50)]
    assert np.unique(hits.scores).size == 1


def test_fewer_rows_than_asked_for_leave_no_row() -> None:
    vectors = random_units(20, 8)
    allowed = np.zeros(20, dtype=np.bool_)
    allowed[[3, 7]] = True
    hits = ExactIndex(vectors).search(vectors[3:4], 5, allowed)
    assert hits.rows.tolist() == [[3, 7, NO_ROW, NO_ROW, NO_ROW]]
    assert np.isneginf(hits.scores[0, 2:]).all()


def test_nothing_is_found_where_nothing_is_or_nothing_is_allowed() -> None:
    empty = ExactIndex(np.empty((0, 8), dtype=np.float32))
    assert empty.search(random_units(2, 8), 5).rows.shape == (2, 0)
    some = ExactIndex(random_units(9, 8))
    nothing_allowed = some.search(random_units(1, 8), 5, np.zeros(9, dtype=np.bool_))
    assert nothing_allowed.rows.tolist() == [[NO_ROW] * 5]
    assert some.search(np.empty((0, 8), dtype=np.float32), 5).rows.shape == (0, 5)


def test_a_read_only_memory_map_is_searched_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", random_units(100, 8))
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    assert ExactIndex(mapped).search(random_units(100, 8)[5:6], 1).rows.tolist() == [[5]]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 100.0])
def test_a_vector_that_is_no_finite_unit_vector_is_refused_by_its_number(wrong: float) -> None:
    vectors = random_units(10, 4)
    vectors[6, 2] = wrong
    with pytest.raises(ConfigurationError, match=r"vector 6 .*; embed it again"):
        ExactIndex(vectors)
    with pytest.raises(ConfigurationError, match="query 6 "):
        ExactIndex(random_units(10, 4)).search(vectors, 1)


def test_what_does_not_fit_is_refused() -> None:
    index = ExactIndex(random_units(10, 4))
    query = random_units(1, 4)
    with pytest.raises(ConfigurationError, match=r"dimension 5 .* dimension 4"):
        index.search(random_units(1, 5), 1)
    with pytest.raises(ConfigurationError, match="ask for 1 or more"):
        index.search(query, 0)
    with pytest.raises(ConfigurationError, match="give 10 booleans"):
        index.search(query, 1, np.ones(9, dtype=np.bool_))
    with pytest.raises(ConfigurationError, match="give 10 booleans"):
        index.search(query, 1, np.ones(10, dtype=np.int64))
    with pytest.raises(ConfigurationError, match=r"give .count, dimension."):
        ExactIndex(query[0])


def test_few_vectors_are_searched_exactly_and_many_approximately() -> None:
    vectors = random_units(600, 8)
    assert isinstance(build_index(vectors), ExactIndex)
    assert isinstance(build_index(vectors, exact_up_to=600), ExactIndex)
    assert isinstance(build_index(vectors, exact_up_to=599, threads=1), FaissIndex)
    assert isinstance(build_index(vectors[:100], exact_up_to=10), ExactIndex)
