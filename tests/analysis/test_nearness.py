"""All vectors against one another, in blocks, as if it were in one piece."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.nearness import Array, nearest_others, pairs_at_least, unit_vectors


def some(count: int, seed: int, *, copies: bool = False) -> Array:
    """Return unit vectors, of which some are equal if there are to be copies."""
    chance = np.random.default_rng(seed)
    found = chance.standard_normal((count, 5)).astype(np.float32)
    if copies and count:
        found = found[chance.integers(0, max(1, count // 2), count)]
    return unit_vectors(found)


COUNTS, SEEDS, BLOCKS = st.integers(0, 40), st.integers(0, 9), st.integers(1, 45)


@given(COUNTS, SEEDS, BLOCKS, st.integers(1, 12))
def test_the_nearest_others_are_those_of_one_piece(
    count: int, seed: int, block: int, k: int
) -> None:
    vectors = some(count, seed)
    products = vectors @ vectors.T
    np.fill_diagonal(products, -np.inf)
    blocks = list(nearest_others(vectors, k, block=block))
    rows = [row for one in blocks for row in one.rows.tolist()]
    assert len(rows) == (count if count > 1 else 0)
    for own, others in enumerate(rows):
        assert len(set(others)) == len(others) == min(k, count - 1)
        assert own not in others
        best = np.sort(products[own])[::-1][: len(others)]
        np.testing.assert_allclose(products[own, others], best, atol=1e-6)
    assert [one.start for one in blocks] == list(range(0, count, block))[: len(blocks)]


@given(COUNTS, SEEDS, BLOCKS, st.booleans(), st.sampled_from([-1.1, 0.0, 0.5, 0.9]))
def test_pairs_are_those_of_one_piece(
    count: int, seed: int, block: int, copies: bool, cosine: float
) -> None:
    vectors = some(count, seed, copies=copies)
    products = vectors @ vectors.T
    told: list[tuple[int, int]] = []
    found = [
        pair
        for one in pairs_at_least(
            vectors, cosine, block=block, on_block=lambda *now: told.append(now)
        )
        for pair in zip(one.first.tolist(), one.second.tolist(), strict=True)
    ]
    assert len(found) == len(set(found))
    expected = {
        (a, b) for a in range(count) for b in range(a + 1, count) if products[a, b] >= cosine
    }
    border = {(a, b) for a, b in expected ^ set(found) if abs(products[a, b] - cosine) > 1e-6}
    assert not border
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert all(total == len(told) for _, total in told)


def test_what_has_no_direction_is_near_nothing() -> None:
    vectors = unit_vectors(np.array([[0, 0], [3, 4], [0.6, 0.8]], np.float32))
    assert np.isfinite(vectors).all()
    (found,) = pairs_at_least(vectors, 0.5)
    assert (found.first.tolist(), found.second.tolist()) == ([1], [2])
