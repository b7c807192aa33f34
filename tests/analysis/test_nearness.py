"""All vectors against one another, in blocks, as if it were in one piece."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.nearness import Array, nearest_others, unit_vectors


def some(count: int, seed: int, *, copies: bool = False) -> Array:
    """Return unit vectors, of which some are nearly equal if there are to be copies."""
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((count, 5)).astype(np.float32)
    if copies and count:
        vectors = vectors[chance.integers(0, max(1, count // 2), count)]
        vectors += chance.normal(0, 0.03, vectors.shape).astype(np.float32)
    return unit_vectors(vectors)


COUNTS, SEEDS, BLOCKS = st.integers(0, 40), st.integers(0, 9), st.integers(1, 45)


@given(COUNTS, SEEDS, BLOCKS, st.integers(1, 12))
def test_the_nearest_others_are_those_of_one_piece(
    count: int, seed: int, block: int, k: int
) -> None:
    vectors = some(count, seed)
    products = vectors @ vectors.T
    np.fill_diagonal(products, -np.inf)
    blocks = list(nearest_others(vectors, k, block=block))
    rows = [row for block in blocks for row in block.rows.tolist()]
    assert len(rows) == (count if count > 1 else 0)
    for own, others in enumerate(rows):
        assert len(set(others)) == len(others) == min(k, count - 1)
        assert own not in others
        best = np.sort(products[own])[::-1][: len(others)]
        np.testing.assert_allclose(products[own, others], best, atol=1e-6)
    assert [block.start for block in blocks] == list(range(0, count, block))[: len(blocks)]


def test_progress_counts_each_product_of_blocks() -> None:
    progress: list[tuple[int, int]] = []
    list(nearest_others(some(10, 0), 3, block=4, on_block=lambda *now: progress.append(now)))
    assert progress == [(n, 9) for n in range(1, 10)]


def test_what_has_no_direction_is_like_nothing() -> None:
    vectors = unit_vectors(np.array([[0, 0], [3, 4], [0.6, 0.8]], np.float32))
    assert np.isfinite(vectors).all()
    (nearest,) = nearest_others(vectors, 1)
    assert nearest.rows[1:, 0].tolist() == [2, 1]
    assert nearest.cosines[0, 0] == 0
