"""How every search behaves beside an index: it finds what a full scan finds, or does without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from sightline.errors import ConfigurationError, NotFoundError
from sightline.geodata.polygons import parse_polygon
from sightline.model import BoundingBox, EmbeddingPart, Filter, Observation, Radius
from sightline.ports import EmbeddingRow, Search, SearchHit, SearchQuery, VectorIndexes
from tests.contracts.warehouse_rig import NOW, POLE, SIGN, observation, provenance

PART = EmbeddingPart("demo-1", 16)
COUNT = 1_000
LATE = 10
"""Vectors that an index lacks which is behind."""
SAME = range(9, 13)
"""Images that look the same."""
TOP = 8
METRES_A_DEGREE = 111_195

Condition = Literal["none", "ready", "behind", "half built", "of no use"]
CONDITIONS: tuple[Condition, ...] = ("none", "ready", "behind", "half built", "of no use")
USED = frozenset({"ready", "behind"})

SQUARE = "POLYGON ((5.0105 52, 5.0305 52, 5.0305 53, 5.0105 53, 5.0105 52))"
FILTERS = {
    "none": Filter(),
    "type": Filter(asset_types=(POLE,)),
    "time": Filter(captured_from=NOW - timedelta(days=20), captured_until=NOW - timedelta(days=3)),
    "box": Filter(box=BoundingBox(5.0105, 52.0, 5.0305, 53.0)),
    "circle": Filter(radius=Radius(52.02, 5.02, 1_500.0)),
    "polygon": Filter(polygon_wkt=SQUARE),
    "all at once": Filter(
        asset_types=(POLE, SIGN),
        captured_from=NOW - timedelta(days=50),
        captured_until=NOW - timedelta(days=3),
        box=BoundingBox(5.0, 52.0, 5.05, 52.05),
        radius=Radius(52.02, 5.02, 5_000.0),
        polygon_wkt=SQUARE,
    ),
    "one in a thousand": Filter(box=BoundingBox(5.4995, 52.0, 5.5005, 53.0)),
    "nothing": Filter(asset_types=("NONE",)),
}

Array = NDArray[np.float32]
Attempt = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class IndexRig:
    """An empty warehouse of vectors of ``PART``.

    ``fill`` writes rows and brings an index into a condition: over all of them, over all but the
    last ``LATE``, broken off while it was built, or one that cannot serve these vectors.
    """

    search: Search
    indexes: VectorIndexes
    fill: Callable[[Sequence[EmbeddingRow], Condition], Awaitable[None]]


@cache
def vectors() -> Array:
    """Return a vector for each image, in clusters."""
    chance = np.random.default_rng(7)
    centres = chance.standard_normal((20, PART.dimension))
    directions = centres[np.arange(COUNT) // 2 % 20] + 0.5 * chance.standard_normal((COUNT, 16))
    directions[SAME] = directions[SAME[0]]
    return np.asarray(
        directions / np.linalg.norm(directions, axis=1, keepdims=True), dtype=np.float32
    )


def row(number: int, *, hours: int = 0) -> EmbeddingRow:
    """Return the embedding of an image, written so many hours later."""
    image = observation(number, observation_id=f"obs-{number:04d}")
    key, vector = PART.key(image.observation_id), vectors()[number].tolist()
    how = provenance(at=NOW + timedelta(hours=hours))
    return EmbeddingRow(key, image.observation_id, image, PART, vector, how)


def query(vector: Sequence[float], **changes: Any) -> SearchQuery:
    """Return a query in the space of the vectors."""
    return SearchQuery(PART.model, PART.dimension, vector, **{"top": TOP, **changes})


def near(number: int) -> list[float]:
    """Return a vector close to an image's, and equal to none."""
    beside = np.random.default_rng(number).standard_normal(PART.dimension)
    return [float(coordinate) for coordinate in vectors()[number] + 0.1 * beside]


def passes(which: Filter, image: Observation) -> bool:
    """Return whether an image passes a filter, by the words of its documentation."""
    assert image.latitude is not None
    assert image.longitude is not None
    assert image.capture_time is not None
    point = shapely.Point(image.longitude, image.latitude)
    checks = [not which.asset_types or image.asset_type in which.asset_types]
    if which.captured_from is not None:
        checks.append(image.capture_time >= which.captured_from)
    if which.captured_until is not None:
        checks.append(image.capture_time < which.captured_until)
    if (box := which.box) is not None:
        checks.append(box.west <= image.longitude <= box.east)
        checks.append(box.south <= image.latitude <= box.north)
    if (circle := which.radius) is not None:
        north = image.latitude - circle.latitude
        east = (image.longitude - circle.longitude) * np.cos(np.radians(circle.latitude))
        checks.append(float(np.hypot(north, east)) * METRES_A_DEGREE <= circle.radius_m)
    if which.polygon_wkt is not None:
        checks.append(parse_polygon(which.polygon_wkt).contains(point))
    return all(checks)


def scanned(search_query: SearchQuery) -> list[tuple[str, float]]:
    """Return what a full scan finds: the best first, equal ones in the order of ids."""
    assert search_query.vector is not None
    query_vector = np.asarray(search_query.vector, dtype=float)
    length = float(np.linalg.norm(query_vector))
    scores = vectors().astype(float) @ (query_vector / length if length else query_vector)
    best = [
        (row(number).subject_id, float(score))
        for number, score in enumerate(scores)
        if passes(search_query.filter, row(number).observation)
        and row(number).subject_id != search_query.leave_out
    ]
    return sorted(best, key=lambda scored: (-round(scored[1], 6), scored[0]))[: search_query.top]


def hold(hits: Sequence[SearchHit], expected: Sequence[tuple[str, float]]) -> None:
    """Check that hits are these, rank by rank, with these cosines."""
    assert [hit.observation.observation_id for hit in hits] == [name for name, _ in expected]
    assert [hit.score for hit in hits] == pytest.approx(
        [cosine for _, cosine in expected], abs=1e-5
    )


class IndexContract:
    """Subclass it as ``Test…`` with a fixture ``index``."""

    @pytest.mark.parametrize("condition", CONDITIONS)
    async def test_ranks_and_filters_are_those_of_a_full_scan(
        self, index: IndexRig, condition: Condition
    ) -> None:
        await index.fill([row(number) for number in range(COUNT)], condition)
        plan = await index.search.explain(query(near(0)))
        assert plan.method == ("index" if condition in USED else "exact"), plan.reason
        assert plan.rows == COUNT
        assert bool(plan.probes) == (condition in USED)
        for number, (name, which) in enumerate(FILTERS.items()):
            search_query = query(near(100 * number), filter=which)
            expected = scanned(search_query)
            assert len(expected) == {"one in a thousand": 1, "nothing": 0}.get(name, TOP), name
            hold(await index.search.search(search_query), expected)

    @pytest.mark.parametrize("condition", ["none", "ready", "behind"])
    async def test_images_that_look_the_same_come_in_the_order_of_ids(
        self, index: IndexRig, condition: Condition
    ) -> None:
        await index.fill([row(number) for number in range(COUNT)], condition)
        own = vectors()[SAME[0]].tolist()
        hits = await index.search.search(query(own, top=len(SAME)))
        assert [hit.observation for hit in hits] == [row(number).observation for number in SAME]
        left = query(own, leave_out=row(SAME[0]).subject_id)
        hold(await index.search.search(left), scanned(left))

    async def test_what_an_index_lacks_is_found_beside_what_it_has(self, index: IndexRig) -> None:
        await index.fill([row(number) for number in range(COUNT)], "behind")
        for number in (0, COUNT - LATE, COUNT - 1):
            search_query = query(vectors()[number].tolist(), top=3)
            expected = scanned(search_query)
            assert expected[0][0] == row(number).subject_id
            hold(await index.search.search(search_query), expected)

    @pytest.mark.parametrize("condition", ["none", "ready"])
    async def test_more_than_there_is_gives_all_there_is(
        self, index: IndexRig, condition: Condition
    ) -> None:
        await index.fill([row(number) for number in range(COUNT)], condition)
        for search_query in (
            query(near(5), top=COUNT + 100),
            query(near(5), top=50, filter=FILTERS["one in a thousand"]),
        ):
            expected = scanned(search_query)
            hits = await index.search.search(search_query)
            assert len(hits) == len(expected) < search_query.top
            hold(hits, expected)

    @pytest.mark.parametrize("condition", ["none", "ready"])
    async def test_what_was_written_twice_is_one_hit_and_takes_no_place(
        self, index: IndexRig, condition: Condition
    ) -> None:
        rows = [row(number) for number in range(COUNT)]
        await index.fill([*rows, *(row(number, hours=1) for number in range(60))], condition)
        for number in (3, 31):
            search_query = query(near(number), top=20)
            hold(await index.search.search(search_query), scanned(search_query))

    async def test_a_query_without_direction_is_as_near_to_one_as_to_another(
        self, index: IndexRig
    ) -> None:
        await index.fill([row(number) for number in range(COUNT)], "ready")
        search_query = query([0.0] * PART.dimension)
        hits = await index.search.search(search_query)
        hold(hits, [(row(number).subject_id, 0.0) for number in range(TOP)])
        poles = await index.search.search(replace(search_query, filter=FILTERS["type"]))
        hold(poles, scanned(replace(search_query, filter=FILTERS["type"])))

    async def test_one_vector_is_found_and_gets_no_index(self, index: IndexRig) -> None:
        await index.fill([row(0)], "none")
        (hit,) = await index.search.search(query(near(0)))
        assert hit.observation == row(0).observation
        state = await index.indexes.status(PART.model, PART.dimension)
        assert (state.condition, state.rows, state.covered) == ("none", 1, 0)
        with pytest.raises(ConfigurationError, match="no index") as caught:
            await self._create(index)
        assert "\n" not in str(caught.value)
        assert await index.indexes.drop(PART.model, PART.dimension) is False

    async def test_a_space_that_is_empty_or_another_s_has_no_index(self, index: IndexRig) -> None:
        model, dimension = PART.model, PART.dimension
        empty: tuple[Attempt, ...] = (
            lambda: index.search.search(query(near(0))),
            lambda: index.search.explain(query(near(0))),
            lambda: index.indexes.status(model, dimension),
            lambda: self._create(index),
        )
        for attempt in empty:
            with pytest.raises(NotFoundError, match=f"by {model} at {dimension} dimensions; run"):
                await attempt()
        await index.fill([row(number) for number in range(3)], "none")
        wrong = replace(query(near(0)), model="other")
        mistaken: tuple[Attempt, ...] = (
            lambda: index.search.search(wrong),
            lambda: index.search.explain(wrong),
            lambda: index.indexes.status("other", dimension),
        )
        for attempt in mistaken:
            with pytest.raises(NotFoundError, match=r"by other at 16 .*, only 3 by demo-1 at 16"):
                await attempt()
        assert await index.indexes.drop("other", dimension) is False
        short = query([1.0, 0.0])
        with pytest.raises(ConfigurationError, match=r"the query has 2 dimensions.*16"):
            await index.search.search(short)

    async def _create(self, index: IndexRig) -> object:
        return await index.indexes.create(PART.model, PART.dimension, on_progress=lambda *_: None)
