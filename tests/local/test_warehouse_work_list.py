"""Work lists against plain Python: filters, keys, JSON, and how a list is cut into ranges."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import ConfigurationError
from sightline.local.warehouse import LocalSource, connect
from sightline.local.warehouse.engine import EngineOptions
from sightline.local.warehouse.locks import lock_in_turn
from sightline.local.warehouse.selection import EARTH_RADIUS_M
from sightline.model import (
    AnswerPart,
    BoundingBox,
    CameraPose,
    EmbeddingPart,
    Filter,
    Observation,
    PartRequest,
    PixelBounds,
    Radius,
)
from sightline.wire import observation_to_row, parts_from_json
from sightline.work_lists import unpublished_ranges
from tests.contracts.test_warehouse_contract import import_observations, local_rig
from tests.contracts.warehouse_rig import EMBEDDING, NOW, asking, observation

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
DEGREES = st.floats(-90, 90, allow_nan=False)
OPTIONAL_DEGREES = st.none() | DEGREES
TIMES = st.none() | st.datetimes(
    min_value=NOW.replace(year=1990, tzinfo=None), max_value=NOW.replace(tzinfo=None)
).map(lambda moment: moment.replace(tzinfo=NOW.tzinfo))
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """Draw an observation as a source may hold it; a position has both its numbers or none."""
    placed = draw(st.booleans())
    return Observation(
        observation_id=draw(TEXT.filter(bool)),
        asset_id=draw(TEXT),
        snapshot_id=draw(TEXT),
        asset_type=draw(st.sampled_from(("A", "B", ""))),
        gcs_uri=draw(TEXT),
        latitude=draw(DEGREES) if placed else None,
        longitude=2 * draw(DEGREES) if placed else None,
        capture_time=draw(TIMES),
        detection_time=draw(TIMES),
        bbox=draw(st.none() | st.builds(PixelBounds, NUMBER, NUMBER, NUMBER, NUMBER)),
        camera_pose=draw(
            st.none() | st.builds(CameraPose, *[OPTIONAL_DEGREES] * 5, st.none() | NUMBER)
        ),
        map_url=draw(st.none() | TEXT.filter(bool)),
    )


FILTERS = st.builds(
    Filter,
    asset_types=st.sampled_from(((), ("A",), ("A", "B"))),
    captured_from=st.none() | st.just(NOW - timedelta(days=3000)),
    captured_until=st.none() | st.just(NOW - timedelta(days=1000)),
    box=st.none() | st.builds(
        lambda west, east, lows: BoundingBox(2 * west, min(lows), 2 * east, max(lows)),
        DEGREES, DEGREES, st.tuples(DEGREES, DEGREES),
    ),
    radius=st.none() | st.builds(Radius, DEGREES, DEGREES.map(lambda half: 2 * half),
    st.just(5e6)),
    polygon_wkt=st.none() | st.just("POLYGON ((-100 -50, 120 -40, 100 60, -20 0, -100 -50))"),
)  # fmt: skip


def matches(image: Observation, which: Filter) -> bool:
    """Return what a filter means, said again in plain Python."""
    if which.asset_types and image.asset_type not in which.asset_types:
        return False
    if which.captured_from and not (
        image.capture_time and image.capture_time >= which.captured_from
    ):
        return False
    if which.captured_until and not (
        image.capture_time and image.capture_time < which.captured_until
    ):
        return False
    if not (which.box or which.radius or which.polygon_wkt):
        return True
    if image.latitude is None or image.longitude is None:
        return False
    return _in_places(image.latitude, image.longitude, which)


def _in_places(latitude: float, longitude: float, which: Filter) -> bool:
    if which.box:
        box = which.box
        if not box.south <= latitude <= box.north:
            return False
        spellings = {longitude, -longitude} if abs(longitude) == 180 else {longitude}
        if not any(_between(spelling, box.west, box.east) for spelling in spellings):
            return False
    if which.radius and _metres(latitude, longitude, which.radius) > which.radius.radius_m:
        return False
    if which.polygon_wkt is None:
        return True
    return bool(shapely.from_wkt(which.polygon_wkt).contains(shapely.Point(longitude, latitude)))


def _between(longitude: float, west: float, east: float) -> bool:
    if west <= east:
        return west <= longitude <= east
    return longitude >= west or longitude <= east


def _metres(latitude: float, longitude: float, centre: Radius) -> float:
    here, other = math.radians(latitude), math.radians(centre.latitude)
    turn = math.radians(longitude - centre.longitude)
    vectors = [
        (math.cos(here) * math.cos(turn), math.cos(here) * math.sin(turn), math.sin(here)),
        (math.cos(other), 0.0, math.sin(other)),
    ]
    cosine = sum(component * other for component, other in zip(*vectors, strict=True))
    return EARTH_RADIUS_M * math.acos(max(-1.0, min(1.0, cosine)))


@settings(max_examples=25, deadline=None)
@given(
    images=st.lists(observations(), max_size=8, unique_by=lambda image: image.observation_id),
    which=FILTERS,
)
def test_a_work_list_holds_what_the_filter_means_as_it_was_imported(
    images: list[Observation], which: Filter
) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        import_observations(home / "source", images, 0)
        rig = local_rig(home)

        async def listed() -> dict[str, Observation]:
            run = await rig.open(asking(EMBEDDING, which=which), "run-1")
            items = await rig.items("run-1") if run.messages else []
            return {item.subject_id: item.observations[0] for item in items}

        expected = {image.observation_id: image for image in images if matches(image, which)}
        assert asyncio.run(listed()) == expected


async def test_the_json_of_a_list_is_that_of_a_message(tmp_path: Path) -> None:
    full = observation(
        3,
        bbox=PixelBounds(0.5, 1.5, 2.5, 3.5),
        camera_pose=CameraPose(1.5, 2.5, 3.5, 4.5, 5.5, 6.5),
        map_url='https://x/?a="b"',
        detection_time=NOW.replace(microsecond=120),
        observation_id="ö\n\\木",
    )
    import_observations(tmp_path / "source", [full], 0)
    await local_rig(tmp_path).open(asking(EMBEDDING), "run-1")
    connection = connect(tmp_path / "warehouse")
    ((text,),) = connection.execute("SELECT observations FROM work_items").fetchall()
    connection.close()
    assert orjson.loads(text) == [orjson.loads(orjson.dumps(observation_to_row(full)))]


async def test_what_is_wrong_in_a_source_row_is_left_out(tmp_path: Path) -> None:
    odd = observation(1, latitude=math.nan, longitude=1.0)
    import_observations(tmp_path / "source", [odd], 0)
    rig = local_rig(tmp_path)
    await rig.open(asking(EMBEDDING), "run-1")
    (item,) = await rig.items("run-1")
    assert item.observations == (replace(odd, latitude=None, longitude=None),)


async def test_keys_in_a_list_are_those_of_the_model(tmp_path: Path) -> None:
    parts = (
        AnswerPart("tâsk", "f" * 64, "model/1"),
        AnswerPart("task", "e" * 64, ""),
        EmbeddingPart("model/2", 1408),
    )
    import_observations(tmp_path / "source", [observation(n) for n in range(4)], 0)
    rig = local_rig(tmp_path)
    by_asset = PartRequest(AnswerPart("asset", "d" * 64, "m"), by_asset=True)
    await rig.open(asking(*parts, by_asset), "run-1")
    connection = connect(tmp_path / "warehouse")
    rows = connection.execute("SELECT subject_id, parts, part_keys FROM work_items").fetchall()
    connection.close()
    assert len(rows) == 6
    for subject_id, text, keys in rows:
        assert [part.key(subject_id) for part in parts_from_json(orjson.loads(text))] == keys


async def test_more_parts_than_a_list_can_hold_are_refused(tmp_path: Path) -> None:
    import_observations(tmp_path / "source", [observation(1)], 0)
    rig = local_rig(tmp_path)
    many = [AnswerPart("task", f"{number:064d}", "m") for number in range(63)]
    assert (await rig.source.preview(asking(*many[:62]))).matched == 62
    with pytest.raises(ConfigurationError, match="63 parts"):
        await rig.source.preview(asking(*many))


async def test_a_list_larger_than_memory_is_written_all_the_same(tmp_path: Path) -> None:
    rows = [observation(number, map_url="x" * 3000) for number in range(20_000)]
    import_observations(tmp_path / "source", rows, 0)
    small = EngineOptions(threads=1, memory_limit="128MB")
    source = LocalSource(tmp_path / "warehouse", tmp_path / "source", options=small)
    run = await source.open_run(asking(EMBEDDING), run_id="run-1", now=NOW)
    assert run.messages == 20_000
    assert (
        sum(item_range.stop - item_range.start for item_range in await source.unpublished("run-1"))
        == 20_000
    )


async def test_a_run_keeps_its_ranges_when_the_settings_change(tmp_path: Path) -> None:
    import_observations(tmp_path / "source", [observation(n) for n in range(12)], 0)
    rig = local_rig(tmp_path)
    await rig.open(asking(EMBEDDING), "run-1")
    before = await rig.source.unpublished("run-1")
    other = LocalSource(tmp_path / "warehouse", tmp_path / "source", buckets=9, range_items=1000)
    assert await other.unpublished("run-1") == before


@given(
    sizes=st.dictionaries(st.integers(0, 3), st.integers(0, 20)),
    published=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(1, 9))),
    step=st.integers(1, 7),
)
def test_ranges_cover_just_what_is_not_published(
    sizes: dict[int, int], published: list[tuple[int, int, int]], step: int
) -> None:
    published_ranges = [(bucket, start, start + length) for bucket, start, length in published]
    ranges = unpublished_ranges("r", sizes.items(), published_ranges, step)
    covered = [
        (item_range.bucket, seq)
        for item_range in ranges
        for seq in range(item_range.start, item_range.stop)
    ]
    assert all(0 < item_range.stop - item_range.start <= step for item_range in ranges)
    assert covered == sorted(
        {(bucket, seq) for bucket, size in sizes.items() for seq in range(size)}
        - {(bucket, seq) for bucket, start, stop in published_ranges for seq in range(start, stop)}
    )


async def test_a_producer_waits_for_who_looks_and_does_not_fail(tmp_path: Path) -> None:
    rig = local_rig(tmp_path)
    await rig.load([observation(1)])
    await rig.open(asking(EMBEDDING), "run-1")
    claimed = asyncio.Event()

    async def publish() -> None:
        async with rig.source.claim("run-1"):
            claimed.set()

    async with lock_in_turn(tmp_path / "warehouse" / "runs" / "run-1.seen.lock"):
        publishing = asyncio.create_task(publish())
        await rig.runs.runs()  # a look takes a moment
        assert not publishing.done()
        assert not claimed.is_set()
    await publishing
    assert claimed.is_set()
