"""How every ``Gallery`` behaves: pages, counts, places and details of the images enqueued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
import pytest

from sightline.errors import NotFoundError, Reason
from sightline.model import BoundingBox, CameraPose, Filter, PartRequest, PixelBounds, WorkItem
from sightline.ports import FacetFilter, Gallery, ImageOrder, PageKey, Selection
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    POLE,
    SIGN,
    WarehouseRig,
    answer_part,
    answer_row,
    asking,
    dead_row,
    embedding_row,
    observation,
    task,
    unit,
)

SPEC = task()
TASK = answer_part(SPEC)
OF_ASSETS = task("assets", by_asset=True)
COUNT = 8
WORLD = BoundingBox(-180, -90, 180, 90)
NASTY = "x' OR true; -- \\ {where} \" \n \u202e <script>"
KINDS = ("stop", "yield", "stop", "unknown", "stop", "yield", "stop")
"""The answers about all images but the last, which has a dead letter."""


@dataclass(frozen=True, slots=True)
class GalleryRig:
    """A warehouse, and its images as they are looked at."""

    warehouse: WarehouseRig
    gallery: Gallery

    async def fill(self) -> Sequence[WorkItem]:
        """Enqueue images, answer about all but the last one, and embed the first."""
        rig = self.warehouse
        last = {"latitude": None, "longitude": None, "capture_time": None, "asset_id": "asset-009"}
        details = {
            "bbox": PixelBounds(1, 2, 30, 40),
            "camera_pose": CameraPose(52.0, 5.0, heading=90.0),
            "snapshot_id": "snap-2",
        }
        await rig.load(
            [
                observation(n, **(details if n == 0 else last if n == COUNT - 1 else {}))
                for n in range(COUNT)
            ]
        )
        await rig.runs.remember_task(SPEC, now=NOW)
        await rig.open(asking(TASK, EMBEDDING), "run-1")
        items = sorted(await rig.items("run-1"), key=lambda item: item.subject_id)
        rows = [
            answer_row(item, TASK, answer=answer(n, kind))
            for n, (item, kind) in enumerate(zip(items, KINDS, strict=False))
        ]
        await rig.writer.write([*rows, embedding_row(items[0], unit(0.1))])
        await rig.writer.write([dead_row(items[-1], TASK, reason=Reason.IMAGE_GONE)])
        return items

    async def ids(self, *facets: FacetFilter, **selection: object) -> list[int]:
        """Return the numbers of the selected images, in order."""
        chosen = Selection(facets=facets, **selection)  # type: ignore[arg-type]  # real fields
        page = await self.gallery.page(chosen, "oldest", after=None, size=100)
        assert page.following is None
        return sorted(number(image.observation.observation_id) for image in page.images)

    async def counts(self, facet: str, *facets: FacetFilter) -> dict[str, int]:
        """Return how many images have each value of a facet."""
        _, (shown,) = await self.gallery.counted(Selection(facets=facets), [facet])
        return dict(shown.values)


def number(observation_id: str) -> int:
    return int(observation_id[-3:])


def answer(n: int, kind: str) -> str:
    """Return an answer as JSON."""
    return orjson.dumps(
        {
            "kind": kind,
            "tilted": None if n == 6 else n % 2 == 0,
            "count": n,
            "height": n / 10,
            "note": NASTY if n == 1 else "",
            "damage": ["rust", "dent"] if n == 2 else ["rust"] if n == 3 else [],
        }
    ).decode()


def facet(name: str, *values: str) -> FacetFilter:
    return FacetFilter(name, values)


class GalleryContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_without_images_nothing_is_counted(self, rig: GalleryRig) -> None:
        total, counts = await rig.gallery.counted(Selection(), ["asset_type"])
        assert (total, [tuple(it.values) for it in counts]) == (0, [()])
        page = await rig.gallery.page(Selection(), "newest", after=None, size=10)
        assert (list(page.images), page.following) == ([], None)
        places = await rig.gallery.places(Selection(), WORLD, cell=1.0, most_points=10)
        assert (places.images, places.extent) == (0, None)
        with pytest.raises(NotFoundError, match="there is no image 'obs-000'"):
            await rig.gallery.details("obs-000")

    async def test_facets_are_the_images_own_and_those_of_tasks(self, rig: GalleryRig) -> None:
        await rig.fill()
        names = [it.name for it in await rig.gallery.facets()]
        assert names == [
            "asset_type", "month", "snapshot", "answered", "dead", "signs.kind", "signs.tilted",
            "signs.count", "signs.height", "signs.note", "signs.damage", "model:signs",
        ]  # fmt: skip
        with pytest.raises(NotFoundError, match=r"no facet 'signs.kin' .did you mean signs.kind"):
            await rig.gallery.counted(Selection(), ["signs.kin"])

    async def test_values_are_counted(self, rig: GalleryRig) -> None:
        await rig.fill()
        assert await rig.counts("asset_type") == {SIGN: 4, POLE: 4}
        assert await rig.counts("snapshot") == {"snap-1": 7, "snap-2": 1}
        assert await rig.counts("answered") == {"signs": 7, "": 1}
        assert await rig.counts("dead") == {"": 7, "image_gone": 1}
        assert await rig.counts("signs.kind") == {"stop": 4, "yield": 2, "unknown": 1, "": 1}
        assert await rig.counts("signs.tilted") == {"true": 3, "false": 3, "": 2}
        assert await rig.counts("signs.damage") == {"": 6, "rust": 2, "dent": 1}
        assert await rig.counts("signs.note") == {"": 7, NASTY: 1}
        assert sum((await rig.counts("signs.height")).values()) == COUNT
        months = await rig.counts("month")
        assert (months[f"{NOW:%Y-%m}"], months[""]) == (4, 1)
        versions = await rig.counts("model:signs")
        assert versions == {f"demo-1 {SPEC.fingerprint[:12]}": 7, "": 1}

    async def test_a_facet_is_counted_without_its_own_condition(self, rig: GalleryRig) -> None:
        await rig.fill()
        stop = facet("signs.kind", "stop")
        assert await rig.counts("signs.kind", stop) == await rig.counts("signs.kind")
        assert await rig.counts("asset_type", stop) == {SIGN: 2, POLE: 2}
        total, _ = await rig.gallery.counted(Selection(facets=(stop,)), [])
        assert total == 4

    @pytest.mark.parametrize(
        ("facets", "expected"),
        [
            ([facet("signs.kind", "stop")], [0, 2, 4, 6]),
            ([facet("signs.kind", "yield", "unknown")], [1, 3, 5]),
            ([facet("signs.kind", "")], [7]),
            ([facet("signs.tilted", "false")], [1, 3, 5]),
            ([facet("signs.tilted", "")], [6, 7]),
            ([facet("signs.damage", "rust")], [2, 3]),
            ([facet("signs.damage", "")], [0, 1, 4, 5, 6, 7]),
            ([facet("signs.height", "0.2..0.4")], [2, 3]),
            ([facet("signs.count", "5")], [5]),
            ([facet("signs.note", NASTY)], [1]),
            ([facet("dead", "image_gone")], [7]),
            ([facet("dead", "")], [0, 1, 2, 3, 4, 5, 6]),
            ([facet("answered", "signs"), facet("snapshot", "snap-2")], [0]),
            ([facet("asset_type", POLE), facet("signs.kind", "stop")], [2, 6]),
            ([facet("signs.kind", "none such")], []),
            ([facet("signs.height", "nan"), facet("signs.height", "x..y")], []),
            ([facet("month", "")], [7]),
        ],
    )
    async def test_facets_choose(
        self, rig: GalleryRig, facets: list[FacetFilter], expected: list[int]
    ) -> None:
        await rig.fill()
        assert await rig.ids(*facets) == expected

    async def test_filters_and_ids_choose_with_facets(self, rig: GalleryRig) -> None:
        await rig.fill()
        poles = Filter(asset_types=(POLE,))
        assert await rig.ids(filter=poles) == [2, 3, 6, 7]
        assert await rig.ids(facet("signs.kind", "stop"), filter=poles) == [2, 6]
        assert await rig.ids(ids=("obs-001", "obs-006", "none")) == [1, 6]
        assert await rig.ids(ids=()) == []
        box = Filter(box=BoundingBox(5.0005, 52, 5.0025, 53))
        assert await rig.ids(filter=box) == [1, 2]
        area = Filter(
            polygon_wkt="POLYGON ((5.0005 52, 5.0025 52, 5.0025 53, 5.0005 53, 5.0005 52))"
        )
        assert await rig.ids(filter=area) == [1, 2]
        late = Filter(captured_from=NOW - timedelta(days=2))
        assert await rig.ids(filter=late) == [0, 1, 2]

    @pytest.mark.parametrize("order", ["newest", "oldest", "asset"])
    async def test_pages_by_key_show_every_image_once(
        self, rig: GalleryRig, order: ImageOrder
    ) -> None:
        await rig.fill()
        shown: list[int] = []
        after: PageKey | None = None
        for _ in range(COUNT):
            page = await rig.gallery.page(Selection(), order, after=after, size=3)
            shown += [number(image.observation.observation_id) for image in page.images]
            after = page.following
            if after is None:
                break
        in_order = {"newest": [*range(COUNT)], "oldest": [6, 5, 4, 3, 2, 1, 0, 7]}
        assert shown == in_order.get(order, [*range(COUNT)])

    async def test_summaries_come_as_they_are_asked_for(self, rig: GalleryRig) -> None:
        await rig.fill()
        shown = await rig.gallery.summaries(["obs-007", "none", "obs-000"])
        last, first = shown
        assert (last.observation.observation_id, list(last.dead), last.answers) == (
            "obs-007", [Reason.IMAGE_GONE], {},
        )  # fmt: skip
        assert first.observation.bbox == PixelBounds(1, 2, 30, 40)
        assert first.observation.camera_pose == CameraPose(52.0, 5.0, heading=90.0)
        assert first.observation.capture_time == NOW
        assert first.answers["signs"]["kind"] == "stop"
        assert await rig.gallery.summaries([]) == []

    async def test_a_map_has_points_or_cells(self, rig: GalleryRig) -> None:
        await rig.fill()
        places = await rig.gallery.places(Selection(), WORLD, cell=1.0, most_points=100)
        assert (places.images, len(places.points), list(places.cells)) == (7, 7, [])
        first = places.points[0]
        assert (first.observation_id, first.asset_type, first.heading) == ("obs-000", SIGN, 90.0)
        cells = await rig.gallery.places(Selection(), WORLD, cell=1.0, most_points=3)
        assert (cells.images, list(cells.points)) == (7, [])
        assert [cell.images for cell in cells.cells] == [7]
        assert cells.cells[0].latitude == pytest.approx(52.003)
        assert cells.extent is not None
        assert (cells.extent.west, cells.extent.east) == pytest.approx((5.0, 5.006))
        away = BoundingBox(10, 10, 11, 11)
        nothing = await rig.gallery.places(Selection(), away, cell=1.0, most_points=3)
        assert (nothing.images, nothing.extent) == (0, cells.extent)

    async def test_details_are_all_that_is_recorded(self, rig: GalleryRig) -> None:
        await rig.fill()
        details = await rig.gallery.details("obs-000")
        (shown,) = details.answers
        assert (shown.task, shown.current, shown.by_asset) == ("signs", True, False)
        assert (shown.model, shown.fingerprint) == ("demo-1", SPEC.fingerprint)
        assert (shown.cost_usd_micros, shown.latency_ms, shown.run_id) == (7, 350, "run-1")
        assert (shown.written_at, shown.answer["count"]) == (NOW, 0)
        assert list(details.embedded_by) == ["demo-1 (4 dimensions)"]
        dead = await rig.gallery.details("obs-007")
        (letter,) = dead.dead_letters
        assert (letter.reason, letter.part, letter.detail) == (
            Reason.IMAGE_GONE, "signs", "not found",
        )  # fmt: skip

    async def test_an_edited_task_keeps_its_earlier_answers_apart(self, rig: GalleryRig) -> None:
        items = await rig.fill()
        edited = task(prompt="And now?")
        await rig.warehouse.runs.remember_task(edited, now=NOW + timedelta(seconds=1))
        part = answer_part(edited)
        later = NOW + timedelta(seconds=2)
        await rig.warehouse.writer.write(
            [answer_row(items[0], part, answer=answer(0, "yield"), at=later)]
        )
        new, old = (await rig.gallery.details("obs-000")).answers
        assert (new.current, new.answer["kind"]) == (True, "yield")
        assert (old.current, old.answer["kind"]) == (False, "stop")

    async def test_an_answer_about_an_asset_is_one_about_each_image(self, rig: GalleryRig) -> None:
        items = await rig.fill()
        part = answer_part(OF_ASSETS)
        await rig.warehouse.runs.remember_task(OF_ASSETS, now=NOW)
        await rig.warehouse.open(asking(PartRequest(part, by_asset=True)), "run-2")
        item = WorkItem("run-2", 0, 0, "asset-000", items[0].observations, (part,))
        await rig.warehouse.writer.write(
            [answer_row(item, part, answer=answer(3, "yield"), by_asset=True)]
        )
        images = await rig.gallery.summaries(["obs-000", "obs-001", "obs-002"])
        assert ["assets" in image.answers for image in images] == [True, True, False]
        kinds = [
            it.answer["kind"]
            for it in (await rig.gallery.details("obs-001")).answers
            if it.by_asset
        ]
        assert kinds == ["yield"]

    async def test_neighbours_are_near_in_time_and_in_space(self, rig: GalleryRig) -> None:
        await rig.fill()
        shown = await rig.gallery.neighbours("obs-000", most=2, radius_m=400)
        assert [number(it.observation.observation_id) for it in shown.same_asset] == [1]
        near = [(number(it.observation.observation_id), round(far)) for it, far in shown.nearest]
        assert near == [(2, 261), (3, 392)]
        alone = await rig.gallery.neighbours("obs-007", most=2, radius_m=400)
        assert (list(alone.same_asset), list(alone.nearest)) == ([], [])
