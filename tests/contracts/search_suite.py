"""How every ``Search`` behaves: order, filters before the search, current answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import BoundingBox, Filter, PartRequest, PixelBounds, WorkItem
from sightline.ports import AnswerFilter, SearchHit, SearchQuery
from tests.contracts.warehouse_rig import (
    DIMENSION,
    EMBEDDING,
    NOW,
    POLE,
    WarehouseRig,
    answer_part,
    answer_row,
    asking,
    embedding_row,
    observation,
    task,
    unit,
)

SPEC = task()
TASK = answer_part(SPEC)
OF_ASSETS = task("assets", by_asset=True)


async def embedded(rig: WarehouseRig, count: int = 6) -> Sequence[WorkItem]:
    """Embed observations at growing angles, and answer about them."""
    await rig.load([observation(number) for number in range(count)])
    await rig.runs.remember_task(SPEC, now=NOW)
    await rig.open(asking(TASK, EMBEDDING), "run-1")
    items = sorted(await rig.items("run-1"), key=lambda item: item.subject_id)
    await rig.writer.write(
        [embedding_row(item, unit(number / 10)) for number, item in enumerate(items)]
    )
    return items


def query(vector: Sequence[float] | None = None, **changes: object) -> SearchQuery:
    """Return a query in the space of the embeddings."""
    return SearchQuery("demo-1", DIMENSION, vector, **changes)  # type: ignore[arg-type]  # real fields


def ids(hits: Sequence[SearchHit]) -> list[int]:
    """Return the numbers of the observations found."""
    return [int(hit.observation.observation_id[-3:]) for hit in hits]


class SearchContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_an_empty_space_is_named(self, rig: WarehouseRig) -> None:
        with pytest.raises(NotFoundError, match=r"demo-1.*4"):
            await rig.search.search(query(unit(0)))
        await embedded(rig)
        with pytest.raises(NotFoundError, match="other"):
            await rig.search.search(SearchQuery("other", DIMENSION, unit(0)))

    async def test_the_nearest_comes_first_with_its_cosine(self, rig: WarehouseRig) -> None:
        await embedded(rig)
        hits = await rig.search.search(query([10 * coordinate for coordinate in unit(0.21)], top=3))
        assert ids(hits) == [2, 3, 1]
        assert [hit.score for hit in hits] == pytest.approx(
            [math.cos(0.01), math.cos(0.09), math.cos(0.11)]
        )

    async def test_equal_scores_come_in_the_order_of_ids(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(20)])
        await rig.open(asking(EMBEDDING), "run-1")
        for item in await rig.items("run-1"):
            await rig.writer.write([embedding_row(item)])
        assert ids(await rig.search.search(query(unit(0), top=5))) == [0, 1, 2, 3, 4]

    async def test_a_vector_of_another_length_is_refused(self, rig: WarehouseRig) -> None:
        await embedded(rig)
        with pytest.raises(ConfigurationError, match="3 dimensions"):
            await rig.search.search(query([1.0, 0.0, 0.0]))

    async def test_filters_hold_before_the_search(self, rig: WarehouseRig) -> None:
        await embedded(rig)
        poles = Filter(asset_types=(POLE,))
        assert ids(await rig.search.search(query(unit(0), top=1, filter=poles))) == [2]
        box = Filter(box=BoundingBox(5.0035, 52, 5.1, 53))
        assert ids(await rig.search.search(query(unit(0), top=9, filter=box))) == [4, 5]
        area = Filter(polygon_wkt="POLYGON ((5 52, 5.0015 52, 5.0015 53, 5 53, 5 52))")
        inside = [1] if rig.edges_outside else [0, 1]
        assert ids(await rig.search.search(query(unit(0), top=9, filter=area))) == inside
        nothing = Filter(asset_types=("NONE",))
        assert await rig.search.search(query(unit(0), filter=nothing)) == []

    async def test_without_a_vector_the_newest_come_first(self, rig: WarehouseRig) -> None:
        await embedded(rig)
        hits = await rig.search.search(query(None, top=2, filter=Filter(asset_types=(POLE,))))
        assert ids(hits) == [2, 3]
        assert [hit.score for hit in hits] == [None, None]

    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            ("kind", "yield", [1]),
            ("tilted", "true", [1]),
            ("count", "3", [1]),
            ("height", "2", [1]),
            ("note", 'a "quote"', [1]),
            ("damage", "rust", [1]),
            ("kind", "stop", [0]),
            ("nothing", "x", []),
        ],
    )
    async def test_answers_filter_by_their_value(
        self, rig: WarehouseRig, field: str, value: str, expected: list[int]
    ) -> None:
        items = await embedded(rig)
        answer = (
            '{"kind":"yield","tilted":true,"count":3,"height":2.0,"note":"a \\"quote\\"",'
            '"damage":["rust"]}'
        )
        other = '{"kind":"stop","tilted":null,"count":4,"height":9.5,"note":null,"damage":[]}'
        await rig.writer.write(
            [answer_row(items[1], TASK, answer=answer), answer_row(items[0], TASK, answer=other)]
        )
        by_answer = query(unit(0), answers=(AnswerFilter("signs", field, value),))
        assert ids(await rig.search.search(by_answer)) == expected

    async def test_hits_carry_the_source_row_and_the_current_answers(
        self, rig: WarehouseRig
    ) -> None:
        full = observation(0, bbox=PixelBounds(1, 2, 3, 4), map_url="https://maps.example")
        await rig.load([full])
        edited = task(prompt="Really?")
        await rig.runs.remember_task(SPEC, now=NOW)
        await rig.open(asking(TASK, answer_part(edited), EMBEDDING), "run-1")
        (item,) = await rig.items("run-1")
        new = '{"kind":"yield"}'
        await rig.writer.write(
            [
                embedding_row(item),
                answer_row(item, TASK, answer='{"kind":"stop"}'),
                answer_row(item, answer_part(edited), answer=new, at=NOW - timedelta(days=1)),
            ]
        )
        (hit,) = await rig.search.search(query(unit(0)))
        assert (hit.observation, hit.answers) == (full, {"signs": {"kind": "stop"}})
        await rig.runs.remember_task(edited, now=NOW + timedelta(seconds=1))
        (hit,) = await rig.search.search(query(unit(0)))
        assert hit.answers == {"signs": {"kind": "yield"}}

    async def test_an_answer_about_an_asset_belongs_to_all_its_images(
        self, rig: WarehouseRig
    ) -> None:
        await embedded(rig, 4)
        part = answer_part(OF_ASSETS)
        await rig.runs.remember_task(OF_ASSETS, now=NOW)
        await rig.open(asking(PartRequest(part, by_asset=True)), "run-2")
        item = next(
            work_item
            for work_item in await rig.items("run-2")
            if work_item.subject_id == "asset-001"
        )
        await rig.writer.write([answer_row(item, part, answer='{"kind":"stop"}', by_asset=True)])
        by_answer = query(unit(0), answers=(AnswerFilter("assets", "kind", "stop"),))
        hits = await rig.search.search(by_answer)
        assert ids(hits) == [2, 3]
        assert [hit.answers for hit in hits] == [{"assets": {"kind": "stop"}}] * 2

    async def test_what_is_embedded_later_is_found(self, rig: WarehouseRig) -> None:
        items = await embedded(rig, 3)
        assert len(await rig.search.search(query(unit(0)))) == 3
        await rig.load([observation(7)])
        await rig.open(asking(EMBEDDING), "run-2")
        await rig.writer.write(
            [embedding_row(work_item, unit(1)) for work_item in await rig.items("run-2")]
        )
        await rig.writer.write([embedding_row(items[0], unit(0))])
        assert ids(await rig.search.search(query(unit(1), top=9))) == [7, 2, 1, 0]

    async def test_ranks_are_those_of_a_full_scan(self, rig: WarehouseRig) -> None:
        count = 40
        await rig.load([observation(number) for number in range(count)])
        await rig.open(asking(EMBEDDING), "run-1")
        items = sorted(await rig.items("run-1"), key=lambda item: item.subject_id)
        vectors = np.random.default_rng(3).standard_normal((count, DIMENSION))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        await rig.writer.write(
            [
                embedding_row(item, vector.tolist())
                for item, vector in zip(items, vectors, strict=True)
            ]
        )
        poles = np.arange(count) // 2 % 2 == 1
        for which, allowed in ((Filter(), poles | ~poles), (Filter(asset_types=(POLE,)), poles)):
            search_query = query(vectors[5].tolist(), top=12, filter=which)
            hits = await rig.search.search(search_query)
            scores = np.where(allowed, vectors.astype(float) @ vectors[5].astype(float), -np.inf)
            assert ids(hits) == np.argsort(-scores, kind="stable")[:12].tolist()
            assert [hit.score for hit in hits] == pytest.approx(sorted(scores)[::-1][:12], abs=1e-6)

    async def test_one_row_is_found_and_may_be_left_out(self, rig: WarehouseRig) -> None:
        await embedded(rig, 1)
        assert ids(await rig.search.search(query(unit(0)))) == [0]
        assert await rig.search.search(query(unit(0), leave_out="obs-000")) == []

    async def test_hits_without_details_are_the_same_images(self, rig: WarehouseRig) -> None:
        await embedded(rig)
        whole = await rig.search.search(query(unit(0.21), top=3))
        bare = await rig.search.search(query(unit(0.21), top=3, details=False))
        assert [(ids([hit]), hit.score) for hit in bare] == [
            (ids([hit]), hit.score) for hit in whole
        ]
        for hit, other in zip(bare, whole, strict=True):
            names = ("asset_id", "asset_type", "gcs_uri", "latitude", "longitude", "capture_time")
            assert all(
                getattr(hit.observation, name) == getattr(other.observation, name) for name in names
            )
            assert hit.answers == {}

    async def test_what_is_left_out_takes_no_place_among_the_hits(self, rig: WarehouseRig) -> None:
        await embedded(rig)
        hits = await rig.search.search(query(unit(0.21), top=2, leave_out="obs-002"))
        assert ids(hits) == [3, 1]
        poles = Filter(asset_types=(POLE,))
        search_query = query(unit(0.21), top=2, leave_out="obs-002", filter=poles)
        assert ids(await rig.search.search(search_query)) == [3]

    async def test_the_vector_of_an_image_is_the_one_that_was_written(
        self, rig: WarehouseRig
    ) -> None:
        await embedded(rig)
        vector = await rig.search.vector_of("obs-003", "demo-1", DIMENSION)
        assert list(vector) == pytest.approx(unit(0.3), abs=1e-6)
        with pytest.raises(NotFoundError, match=r"no image 'obs-099' was embedded by demo-1 at 4"):
            await rig.search.vector_of("obs-099", "demo-1", DIMENSION)

    async def test_a_space_without_vectors_names_those_there_are(self, rig: WarehouseRig) -> None:
        with pytest.raises(NotFoundError, match=r"run `sightline enqueue` and `sightline work`"):
            await rig.search.check("demo-1", DIMENSION)
        await embedded(rig, 3)
        await rig.search.check("demo-1", DIMENSION)
        message = (
            r"nothing was embedded by other at 8 dimensions, only 3 by demo-1 at 4; vectors of"
        )
        for asking_other in (
            rig.search.check("other", 8),
            rig.search.search(SearchQuery("other", 8, [1.0] * 8)),
            rig.search.explain(SearchQuery("other", 8, [1.0] * 8)),
            rig.search.vector_of("obs-000", "other", 8),
        ):
            with pytest.raises(NotFoundError, match=message) as caught:
                await asking_other
            assert "\n" not in str(caught.value)

    async def test_a_plan_counts_what_passes_the_filters(self, rig: WarehouseRig) -> None:
        items = await embedded(rig)
        plan = await rig.search.explain(query(unit(0)))
        assert (plan.method, plan.rows, plan.allowed, plan.compared) == ("exact", 6, 6, 6)
        assert "6 rows" in plan.reason
        poles = await rig.search.explain(query(unit(0), filter=Filter(asset_types=(POLE,))))
        assert (poles.allowed, poles.compared) == (2, 2)
        assert poles.selectivity == pytest.approx(1 / 3)
        await rig.writer.write([answer_row(items[1], TASK, answer='{"kind":"yield"}')])
        answers = (AnswerFilter("signs", "kind", "yield"),)
        assert (await rig.search.explain(query(unit(0), answers=answers))).allowed == 1
        newest = await rig.search.explain(query(None, filter=Filter(asset_types=(POLE,))))
        assert (newest.method, newest.rows, newest.allowed, newest.compared) == ("newest", 6, 2, 0)
