"""Who stands for whom, and which images show one place."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.duplicates import (
    ROUNDING,
    Clusters,
    by_preference,
    leaders,
    views_of_one_place,
)
from sightline.analysis.places import EARTH_RADIUS_M, join_near
from sightline.ports import EmbeddedImage
from tests.analysis.test_nearness import BLOCKS, COUNTS, SEEDS, some
from tests.contracts.warehouse_rig import NOW


def image(
    name: str,
    *,
    asset: str = "",
    days_old: float | None = 0,
    at: tuple[float | None, float | None] = (None, None),
) -> EmbeddedImage:
    """Return an image that was made so many days before ``NOW``."""
    captured_at = None if days_old is None else NOW - timedelta(days=days_old)
    return EmbeddedImage(name, asset, "t", f"gs://b/{name}", at[0], at[1], captured_at)


@given(COUNTS, SEEDS, BLOCKS, st.sampled_from([0.5, 0.98, 1.0]), st.randoms())
def test_what_is_left_out_is_like_what_is_kept_and_no_two_kept_are(
    count: int, seed: int, block: int, cosine: float, chance: object
) -> None:
    vectors = some(count, seed, copies=True)
    order = np.random.default_rng(seed).permutation(count)
    groups = leaders(vectors, order, cosine, block=block)
    products = vectors @ vectors.T
    leader_rows = [row for row in range(count) if groups.rows[row] == row]
    for leader_row in leader_rows:
        for other in leader_rows:
            assert leader_row == other or products[leader_row, other] < cosine
    rank = {int(row): place for place, row in enumerate(order)}
    for row in set(range(count)) - set(leader_rows):
        leader = int(groups.rows[row])
        assert leader in leader_rows
        assert rank[leader] < rank[row]
        assert products[row, leader] >= cosine - 2 * ROUNDING
        assert groups.cosines[row] == pytest.approx(products[row, leader], abs=1e-6)
    members = [row for group in groups.groups() for row in group]
    assert len(members) == len(set(members))
    assert all(group[0] in leader_rows and len(group) > 1 for group in groups.groups())


def test_copies_are_one_whatever_their_length_and_rows_not_named_stand_for_themselves() -> None:
    vectors = some(3, 1)
    twice = np.concatenate((vectors, vectors))
    assert leaders(twice, range(6), 1.0).groups() == [[0, 3], [1, 4], [2, 5]]
    assert leaders(twice, [5, 2, 0], 1.0).groups() == [[5, 2]]
    progress: list[tuple[int, int]] = []
    leaders(twice, range(6), 1.0, block=4, on_block=lambda *now: progress.append(now))
    assert progress == [(1, 2), (2, 2)]
    assert leaders(twice[:0], [], 0.9).groups() == []


def test_the_newest_image_is_kept() -> None:
    images = [image("old", days_old=9), image("undated", days_old=None), image("b"), image("a")]
    assert by_preference(images) == [3, 2, 0, 1]


def test_the_images_of_an_asset_and_of_a_place_belong_together() -> None:
    metre = math.degrees(1 / EARTH_RADIUS_M)
    images = [
        image("a1", asset="a", at=(52.0, 5.0)),
        image("b1", asset="b", at=(52.0 + 3 * metre, 5.0)),
        image("a2", asset="a"),
        image("far", asset="c", at=(52.1, 5.0)),
        image("nobody's", at=(52.0 + 6 * metre, 5.0)),
        image("nowhere"),
    ]
    assert views_of_one_place(images, None) == [[0, 2], [1], [3]]
    assert views_of_one_place(images, 2.9) == [[0, 2], [1], [3], [4]]
    assert views_of_one_place(images, 3.1) == [[0, 1, 2, 4], [3]]


POSITIONS = st.lists(
    st.tuples(st.floats(-90, 90), st.sampled_from([-180.0, -179.99999, 180.0, 5.0, 5.00001]))
    | st.tuples(st.floats(52, 52.0002), st.floats(5, 5.0002)),
    max_size=25,
)


@given(POSITIONS, st.floats(0.5, 30))
def test_positions_join_as_if_each_were_compared_with_each(
    positions: list[tuple[float, float]], metres: float
) -> None:
    count = len(positions)
    points = [
        (math.cos(math.radians(lat)) * math.cos(math.radians(lon)),
         math.cos(math.radians(lat)) * math.sin(math.radians(lon)), math.sin(math.radians(lat)))
        for lat, lon in positions
    ]  # fmt: skip

    def compared(limit: float) -> Clusters:
        clusters = Clusters(count)
        for index in range(count):
            for other in range(index):
                if EARTH_RADIUS_M * math.dist(points[index], points[other]) <= limit:
                    clusters.join(index, other)
        return clusters

    joined = Clusters(count)
    assert join_near(joined, list(positions), metres) == set(range(count))
    everything = range(count)
    # Within a micrometre of the limit rounding decides.
    assert joined.all(everything) in (
        compared(metres - 1e-6).all(everything),
        compared(metres + 1e-6).all(everything),
    )


def test_what_is_no_place_on_earth_is_near_nothing() -> None:
    clusters = Clusters(5)
    nowhere = [(None, 5.0), (52.0, None), (91.0, 5.0), (math.nan, 5.0), (52.0, 181.0)]
    assert join_near(clusters, nowhere, 10) == set()
    for metres in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="distance"):
            join_near(clusters, [], metres)
