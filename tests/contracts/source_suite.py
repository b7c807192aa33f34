"""How every ``ObservationSource`` behaves, whatever table and store are behind it.

An adapter subclasses ``SourceContract`` and supplies a ``rig`` whose new runs have ranges of 3
items. The suite looks at nothing but the ports.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sightline.errors import BusyError, ConfigurationError, NotFoundError
from sightline.model import (
    BoundingBox,
    CameraPose,
    Filter,
    PartRequest,
    PixelBounds,
    Radius,
    WorkRange,
)
from sightline.wire import Message, decode
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
    observation,
    task,
    write_all,
)

TASK = answer_part(task())
PLACES = (
    (179.5, -18.0), (180.0, -18.0), (-180.0, -18.0), (-179.5, -18.0), (0.0, -18.0),
    (0.0, 80.0), (-60.0, 80.0), (60.0, 80.0), (120.0, 80.0), (180.0, 80.0), (-120.0, 80.0),
    (0.0, 90.0), (-180.0, 90.0), (0.0, -90.0),
)  # fmt: skip
"""Longitudes and latitudes at which a globe differs from a map."""

FIJI = (
    "MULTIPOLYGON (((179 -19, 180 -19, 180 -17, 179 -17, 179 -19)),"
    " ((-180 -19, -179 -19, -179 -17, -180 -17, -180 -19)))"
)
NORTH = {place for place in PLACES if place[1] > 0}
AREAS = {
    "across the antimeridian": (FIJI, set(PLACES[:4])),
    "up to it": ("POLYGON ((179 -19, 180 -19, 180 -17, 179 -17, 179 -19))", {PLACES[0]}),
    "a polar cap": ("POLYGON ((-180 70, 180 70, 180 90, -180 90, -180 70))", NORTH),
    "the whole world": ("POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))", set(PLACES)),
    "all but Fiji": (
        "POLYGON ((-178 -85, 178 -85, 178 85, -178 85, -178 -85))",
        {place for place in PLACES if abs(place[0]) < 178 and abs(place[1]) < 90},
    ),
}  # fmt: skip
"""Areas as ``sightline.geodata`` gives them, and the places inside."""

POLYGON = (
    "POLYGON ((5.0015 52.0015, 5.0045 52.0015, 5.0045 52.0045, 5.0015 52.0045, 5.0015 52.0015))"
)


class SourceContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_an_empty_source_has_nothing_to_do(self, rig: WarehouseRig) -> None:
        preview = await rig.source.preview(asking(TASK, EMBEDDING))
        assert (preview.observations, preview.matched, preview.messages) == (0, 0, 0)
        assert (await rig.open(asking(TASK), "run-1")).messages == 0
        assert await rig.runs.runs() == []

    async def test_a_run_lists_every_part_once_and_is_open(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(10)])
        run = await rig.open(asking(TASK, EMBEDDING), "run-1")
        assert (run.messages, run.parts, run.state) == (10, 20, "open")
        items = await rig.items("run-1")
        assert sorted(item.subject_id for item in items) == [f"obs-{n:03d}" for n in range(10)]
        assert all(item.parts == (TASK, EMBEDDING) for item in items)
        assert [run.state for run in await rig.runs.runs()] == ["open"]

    async def test_an_observation_comes_back_as_it_was_loaded(self, rig: WarehouseRig) -> None:
        full = observation(
            1,
            observation_id="ünïcode \"quoted' 木",
            bbox=PixelBounds(1.5, 2, 3, 4e-7),
            camera_pose=CameraPose(heading=271.25, pitch=-3.0),
            map_url="https://maps.example/?q=1",
            detection_time=NOW + timedelta(microseconds=1),
        )
        bare = observation(2, latitude=None, longitude=None, capture_time=None)
        await rig.load([full, bare])
        await rig.open(asking(EMBEDDING), "run-1")
        by_id = {item.subject_id: item.observations for item in await rig.items("run-1")}
        assert by_id == {full.observation_id: (full,), bare.observation_id: (bare,)}

    async def test_the_latest_import_of_an_observation_counts(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        moved = observation(1, latitude=10.0)
        await rig.load([moved])
        await rig.open(asking(EMBEDDING), "run-1")
        assert [item.observations for item in await rig.items("run-1")] == [(moved,)]

    async def test_parts_are_asked_only_of_their_asset_types(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(PartRequest(TASK, (SIGN,)), EMBEDDING), "run-1")
        parts = {item.subject_id: item.parts for item in await rig.items("run-1")}
        assert parts["obs-000"] == (TASK, EMBEDDING)
        assert parts["obs-002"] == (EMBEDDING,)

    async def test_a_task_by_asset_has_all_its_observations_newest_first(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(PartRequest(TASK, (SIGN,), by_asset=True)), "run-1")
        (item,) = await rig.items("run-1")
        assert item.subject_id == "asset-000"
        assert item.observations == (observation(0), observation(1))

    async def test_a_request_by_asset_holds_a_bounded_number_of_images(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(number, asset_id="one") for number in range(40)])
        await rig.open(asking(PartRequest(TASK, (SIGN,), by_asset=True)), "run-1")
        (item,) = await rig.items("run-1")
        assert item.observations[0] == observation(0, asset_id="one")
        assert 1 < len(item.observations) < 20

    async def test_what_a_run_holds_is_not_listed_again(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(EMBEDDING), "run-1")
        assert (await rig.open(asking(EMBEDDING), "run-2")).messages == 0
        preview = await rig.source.preview(asking(TASK, EMBEDDING))
        assert (preview.matched, preview.held, preview.to_publish) == (8, 4, 4)
        assert [run.run_id for run in await rig.runs.runs()] == ["run-1"]

    async def test_two_producers_at_once_list_everything_once(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(6)])
        runs = await asyncio.gather(
            *(rig.open(asking(TASK, EMBEDDING), f"run-{number}") for number in range(3))
        )
        assert sorted(run.messages for run in runs) == [0, 0, 6]

    async def test_what_is_written_or_dead_is_not_listed_again(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(3)])
        await rig.open(asking(TASK), "run-1")
        first, second, third = await rig.items("run-1")
        await rig.writer.write([answer_row(first, TASK)])
        await rig.dead_letters.record([dead_row(second, TASK)])
        await rig.runs.cancel("run-1", now=NOW)
        preview = await rig.source.preview(asking(TASK))
        assert (preview.done, preview.dead, preview.held, preview.to_publish) == (1, 1, 0, 1)
        await rig.open(asking(TASK), "run-2")
        assert [item.subject_id for item in await rig.items("run-2")] == [third.subject_id]

    async def test_a_replayed_dead_letter_of_a_cancelled_run_is_listed_again(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        (item,) = await rig.items("run-1")
        await rig.runs.cancel("run-1", now=NOW)
        later = NOW + timedelta(seconds=1)
        await rig.dead_letters.record(
            [dead_row(item, TASK), dead_row(item, TASK, event="replayed", at=later)]
        )
        assert (await rig.open(asking(TASK), "run-2")).messages == 1

    async def test_an_edited_task_lists_only_its_own_parts_again(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(3)])
        other = answer_part(task("other"))
        await rig.open(asking(TASK, other, EMBEDDING), "run-1")
        await write_all(rig, await rig.items("run-1"))
        edited = answer_part(task(prompt="What is it really?"))
        await rig.open(asking(edited, other, EMBEDDING), "run-2")
        assert [item.parts for item in await rig.items("run-2")] == [(edited,)] * 3

    async def test_the_same_part_asked_twice_is_listed_once(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        assert (await rig.open(asking(TASK, TASK), "run-1")).parts == 1

    async def test_a_run_cannot_be_opened_under_a_name_that_is_taken(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        with pytest.raises(ConfigurationError, match="run-1"):
            await rig.open(asking(EMBEDDING), "run-1")

    async def test_ranges_are_published_once_and_in_order(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(20)])
        await rig.open(asking(EMBEDDING), "run-1")
        ranges = await rig.source.unpublished("run-1")
        assert sum(span.stop - span.start for span in ranges) == 20
        assert all(span.stop - span.start <= 3 for span in ranges)
        await rig.source.mark_published(ranges[1], now=NOW)
        assert await rig.source.unpublished("run-1") == [ranges[0], *ranges[2:]]
        items = await rig.source.items(ranges[0])
        assert [item.seq for item in items] == list(range(ranges[0].start, ranges[0].stop))

    async def test_a_range_s_messages_say_what_its_items_do(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number, map_url='"q"\\') for number in range(4)])
        of_assets = PartRequest(answer_part(task("assets", by_asset=True)), by_asset=True)
        await rig.open(asking(TASK, EMBEDDING, of_assets), "run-1")
        for span in await rig.source.unpublished("run-1"):
            items, messages = await rig.source.items(span), await rig.source.messages(span)
            assert [decode(message.body) for message in messages] == [
                Message(item.run_id, item.subject_id, item.observations, item.parts)
                for item in items
            ]
            assert [message.asset_type for message in messages] == [
                item.observations[0].asset_type for item in items
            ]

    async def test_a_run_is_published_when_its_last_range_is(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(5)])
        await rig.open(asking(EMBEDDING), "run-1")
        await rig.publish("run-1")
        assert await rig.source.unpublished("run-1") == []
        assert [run.state for run in await rig.runs.runs()] == ["published"]

    async def test_one_producer_at_a_time_holds_a_run(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(EMBEDDING), "run-1")
        async with rig.source.claim("run-1"):
            with pytest.raises(BusyError, match="run-1"):
                async with rig.source.claim("run-1"):
                    pass
        async with rig.source.claim("run-1"):
            pass

    async def test_who_publishes_a_run_is_seen_and_not_held_up(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(EMBEDDING), "run-1")
        assert await rig.source.published_now(["run-1", "nope"]) == frozenset()
        async with rig.source.claim("run-1"):
            assert await rig.source.published_now(["run-1", "nope"]) == {"run-1"}
        assert await rig.source.published_now(["run-1"]) == frozenset()
        assert await rig.source.published_now([]) == frozenset()

    async def test_an_unknown_run_is_named_with_the_next_step(self, rig: WarehouseRig) -> None:
        with pytest.raises(NotFoundError, match=r"nope.*sightline status"):
            await rig.source.unpublished("nope")
        with pytest.raises(NotFoundError, match=r"nope.*sightline status"):
            await rig.source.items(WorkRange("nope", 0, 0, 1))
        with pytest.raises(NotFoundError, match=r"nope.*sightline status"):
            async with rig.source.claim("nope"):
                pass

    async def test_a_limit_takes_the_same_subjects_every_time(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(10)])
        limited = asking(TASK, EMBEDDING, which=Filter(limit=4))
        assert (await rig.open(limited, "run-1")).messages == 4
        assert (await rig.open(limited, "run-2")).messages == 0
        assert (await rig.open(asking(TASK, EMBEDDING), "run-3")).messages == 6

    @pytest.mark.parametrize(
        ("which", "expected"),
        [
            (Filter(asset_types=(POLE,)), {2, 3, 6, 7}),
            (Filter(captured_from=NOW - timedelta(days=2)), {0, 1, 2}),
            (Filter(captured_until=NOW - timedelta(days=6)), {7}),
            (Filter(box=BoundingBox(5.0015, 52.0, 5.0045, 52.1)), {2, 3, 4}),
            (Filter(radius=Radius(52.003, 5.003, 140)), {2, 3, 4}),
            (Filter(polygon_wkt=POLYGON), {2, 3, 4}),
            (Filter(asset_types=(SIGN,), polygon_wkt=POLYGON), {4}),
        ],
    )
    async def test_a_filter_keeps_what_it_names(
        self, rig: WarehouseRig, which: Filter, expected: set[int]
    ) -> None:
        nowhere = observation(8, latitude=None, longitude=None, capture_time=None, asset_type="X")
        await rig.load([*(observation(number) for number in range(8)), nowhere])
        await rig.open(asking(EMBEDDING, which=which), "run-1")
        numbers = {int(item.subject_id[-3:]) for item in await rig.items("run-1")}
        assert numbers == expected
        assert (await rig.source.preview(asking(EMBEDDING, which=which))).observations == len(
            numbers
        )

    async def test_a_box_may_cross_the_antimeridian(self, rig: WarehouseRig) -> None:
        await rig.load(
            [observation(n, longitude=lon) for n, lon in enumerate((179.5, -179.5, 0.0))]
        )
        which = Filter(box=BoundingBox(179.0, 50.0, -179.0, 54.0))
        await rig.open(asking(EMBEDDING, which=which), "run-1")
        assert {item.subject_id for item in await rig.items("run-1")} == {"obs-000", "obs-001"}

    @pytest.mark.parametrize(
        ("west", "east", "inside"),
        [
            (179, 180, {0, 1, 2}),
            (-180, -179, {1, 2, 3}),
            (180, -179, {1, 2, 3}),
            (-180, 180, {*range(5)}),
        ],
    )
    async def test_a_box_up_to_the_antimeridian_has_it_in_both_spellings(
        self, rig: WarehouseRig, west: float, east: float, inside: set[int]
    ) -> None:
        await rig.load(
            [
                observation(n, longitude=longitude, latitude=latitude)
                for n, (longitude, latitude) in enumerate(PLACES[:5])
            ]
        )
        which = Filter(box=BoundingBox(west, -20, east, 20))
        await rig.open(asking(EMBEDDING, which=which), "run-1")
        assert {int(item.subject_id[-3:]) for item in await rig.items("run-1")} == inside

    @pytest.mark.parametrize("name", AREAS)
    async def test_an_area_reaches_over_the_antimeridian_and_the_poles(
        self, rig: WarehouseRig, name: str
    ) -> None:
        area, inside = AREAS[name]
        await rig.load(
            [observation(n, longitude=lon, latitude=lat) for n, (lon, lat) in enumerate(PLACES)]
        )
        await rig.open(asking(EMBEDDING, which=Filter(polygon_wkt=area)), "run-1")
        selected = {PLACES[int(item.subject_id[-3:])] for item in await rig.items("run-1")}
        assert sorted(selected) == sorted(inside), (selected - inside, inside - selected)

    @pytest.mark.parametrize("wkt", ["POLYGON ((", "POINT (5 52)", "POLYGON EMPTY"])
    async def test_what_is_no_polygon_is_refused(self, rig: WarehouseRig, wkt: str) -> None:
        with pytest.raises(ConfigurationError, match="POLYGON"):
            await rig.source.preview(asking(EMBEDDING, which=Filter(polygon_wkt=wkt)))

    async def test_a_preview_counts_by_asset_type(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(5)])
        preview = await rig.source.preview(asking(PartRequest(TASK, (SIGN,)), EMBEDDING))
        assert preview.by_asset_type == ((SIGN, 3), (POLE, 2))
        assert (preview.observations, preview.matched, preview.messages) == (5, 8, 5)
