"""How every ``Answers`` behaves: which answers are current, how they are counted and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from sightline.errors import Reason
from sightline.model import BoundingBox, Filter, PartRequest, Radius, WorkItem
from sightline.ports import AnswerQuery, AnswerRow, Answers, Dimension, Group
from sightline.tasks import FieldSpec, TaskSpec, parse_task
from tests.contracts.warehouse_rig import (
    ANSWER,
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
)

SPEC = task()
TASK = answer_part(SPEC)
OF_ASSETS = task("assets", by_asset=True)
EMPTY = '{"kind":"unknown","tilted":null,"count":null,"height":null,"note":null,"damage":[]}'
NASTY = "x' OR true; -- \\ {rows} {where} \" \n"


@dataclass(frozen=True, slots=True)
class AnswersRig:
    """A warehouse, and its answers as they are read."""

    warehouse: WarehouseRig
    answers: Answers

    async def ask(self, spec: TaskSpec = SPEC, *, after_s: int = 0) -> None:
        """Make a task the active version of its name."""
        await self.warehouse.runs.remember_task(spec, now=NOW + timedelta(seconds=after_s))

    async def write(self, answers: Sequence[str], spec: TaskSpec = SPEC, **changes: object) -> None:
        """Write an answer about each of the first observations."""
        part = answer_part(spec)
        await self.warehouse.writer.write(
            [
                answer_row(item(n, **changes), part, answer=json_text)
                for n, json_text in enumerate(answers)
            ]
        )

    async def read(self, query: AnswerQuery) -> list[AnswerRow]:
        """Return all current answers, by subject."""
        pages = [page async for page in self.answers.pages(query)]
        assert all(pages)
        return sorted((row for page in pages for row in page), key=lambda row: row.subject_id)

    async def counted(self, *by: Dimension, most: int = 100) -> dict[object, int]:
        """Return the answers by their keys; a single key stands for itself."""
        groups = await self.answers.counted(AnswerQuery(SPEC), by, most=most)
        assert [group.answers for group in groups] == sorted(
            (n.answers for n in groups), reverse=True
        )
        return {group.keys if len(by) > 1 else group.keys[0]: group.answers for group in groups}


def item(number: int, **changes: object) -> WorkItem:
    """Return what asks about one image."""
    image = observation(number, **changes)
    return WorkItem("run-1", 0, number, image.observation_id, (image,), (TASK,))


def field(name: str) -> FieldSpec:
    """Return a field of the task."""
    return next(spec for spec in SPEC.fields if spec.name == name)


def by(name: str, step: float | None = None) -> Dimension:
    """Return the dimension of a field."""
    return Dimension("field", field(name), step)


def answer(**fields: object) -> str:
    """Return an answer in which nothing else is known."""
    import orjson

    return orjson.dumps({**orjson.loads(EMPTY), **fields}).decode()


class AnswersContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_an_empty_warehouse_has_nothing(self, rig: AnswersRig) -> None:
        query = AnswerQuery(SPEC)
        assert await rig.answers.tasks() == []
        assert await rig.answers.count(query) == 0
        assert await rig.read(query) == []
        assert await rig.answers.counted(query, [by("kind")]) == []
        assert await rig.answers.coverage(Filter(), None) == []
        assert await rig.answers.coverage(Filter(), SPEC) == []
        summaries = await rig.answers.fields(query)
        assert [
            (summary.known, summary.unknown, summary.missing, summary.mean) for summary in summaries
        ] == [(0, 0, 0, None)] * len(SPEC.fields)
        quality = await rig.answers.quality(query)
        assert (quality.answers, quality.stale, quality.versions) == (0, 0, 0)

    async def test_a_current_answer_comes_with_what_was_looked_at(self, rig: AnswersRig) -> None:
        await rig.ask()
        await rig.write([ANSWER])
        (row,) = await rig.read(AnswerQuery(SPEC))
        image = observation(0)
        assert row == AnswerRow(
            image.observation_id, image.observation_id, image.asset_id, image.snapshot_id,
            image.asset_type,
            image.gcs_uri, image.latitude, image.longitude, image.capture_time,
            {"kind": "stop", "tilted": True, "count": 2, "height": 3.5, "note": "é",
             "damage": ["rust", "dent"]},
            TASK.fingerprint, TASK.model, "run-1", NOW, TASK.key(image.observation_id),
        )  # fmt: skip
        assert await rig.answers.tasks() == [SPEC]

    async def test_what_is_not_known_of_an_observation_is_null(self, rig: AnswersRig) -> None:
        await rig.ask()
        await rig.write([EMPTY], latitude=None, longitude=None, capture_time=None)
        (row,) = await rig.read(AnswerQuery(SPEC))
        assert (row.latitude, row.longitude, row.capture_time) == (None, None, None)

    async def test_an_answer_is_read_once_and_at_the_active_version(self, rig: AnswersRig) -> None:
        edited = task(prompt="Really?")
        await rig.ask()
        await rig.write([answer(count=1), answer(count=2)])
        await rig.write([answer(count=1)])
        await rig.write([answer(count=7)], edited)
        old, new = AnswerQuery(SPEC), AnswerQuery(edited)
        assert [row.answer["count"] for row in await rig.read(old)] == [1, 2]
        await rig.ask(edited, after_s=1)
        assert [row.answer["count"] for row in await rig.read(new)] == [7]
        assert await rig.answers.count(new) == 1
        quality = await rig.answers.quality(new)
        assert (quality.answers, quality.stale, quality.versions) == (1, 1, 2)

    @pytest.mark.parametrize(
        ("which", "expected"),
        [
            (Filter(asset_types=(POLE,)), [2, 3]),
            (Filter(captured_from=NOW - timedelta(days=1)), [0, 1]),
            (Filter(captured_until=NOW - timedelta(days=3)), [4, 5]),
            (Filter(box=BoundingBox(5.0015, 52, 5.0035, 53)), [2, 3]),
            (Filter(radius=Radius(52.0, 5.0, 140)), [0, 1]),
            (Filter(polygon_wkt="POLYGON ((4 51, 5.0005 51, 5.0005 53, 4 53, 4 51))"), [0]),
        ],
        ids=["type", "from", "until", "box", "near", "polygon"],
    )
    async def test_a_filter_holds_for_all_that_is_read(
        self, rig: AnswersRig, which: Filter, expected: list[int]
    ) -> None:
        await rig.ask()
        await rig.write([answer(count=n) for n in range(6)])
        query = AnswerQuery(SPEC, which)
        assert [row.answer["count"] for row in await rig.read(query)] == expected
        assert await rig.answers.count(query) == len(expected)
        assert (await rig.answers.quality(query)).answers == len(expected)
        summaries = await rig.answers.fields(query)
        assert summaries[2].known == len(expected)
        groups = await rig.answers.counted(query, [by("count")])
        assert sorted(group.keys for group in groups) == [(n,) for n in expected]

    async def test_answers_are_counted_by_a_field_of_each_type(self, rig: AnswersRig) -> None:
        await rig.ask()
        await rig.write(
            [
                answer(kind="stop", tilted=True, count=2, height=0.5, note="a", damage=["rust"]),
                answer(kind="stop", tilted=False, count=2, height=2.0, note="b",
                       damage=["rust", "dent", "rust"]),
                answer(kind="yield", tilted=True, count=-3, height=2.25, note="a"),
                EMPTY,
            ]
        )  # fmt: skip
        assert await rig.counted(by("kind")) == {"stop": 2, "yield": 1, "unknown": 1}
        assert await rig.counted(by("tilted")) == {"true": 2, "false": 1, None: 1}
        assert await rig.counted(by("count")) == {2: 2, -3: 1, None: 1}
        assert await rig.counted(by("count", 2)) == {1: 2, -2: 1, None: 1}
        assert await rig.counted(by("height")) == {0.5: 1, 2.0: 1, 2.25: 1, None: 1}
        assert await rig.counted(by("height", 0.5)) == {1: 1, 4: 2, None: 1}
        assert await rig.counted(by("note")) == {"a": 2, "b": 1, None: 1}
        assert await rig.counted(by("damage")) == {"rust": 2, "dent": 1, None: 2}
        assert len(await rig.counted(by("height"), most=2)) == 2

    async def test_answers_are_counted_by_type_month_and_cell(self, rig: AnswersRig) -> None:
        await rig.ask()
        await rig.write([answer(kind="stop")] * 6)
        part = answer_part(SPEC)
        nowhere = item(6, latitude=None, longitude=None, capture_time=None, asset_type=SIGN)
        south_west = item(7, latitude=-33.8568, longitude=-0.0001)
        await rig.warehouse.writer.write(
            [answer_row(image, part, answer=EMPTY) for image in (nowhere, south_west)]
        )
        types, months = Dimension("asset_type"), Dimension("month")
        assert await rig.counted(types) == {SIGN: 5, POLE: 3}
        assert await rig.counted(months) == {"2026-05": 4, "2026-04": 3, None: 1}
        cells = await rig.counted(Dimension("cell", step=0.0016))
        assert cells == {
            (32500, 3125): 2, (32501, 3126): 2, (32502, 3127): 1, (32503, 3128): 1,
            (-21161, -1): 1, None: 1,
        }  # fmt: skip
        assert await rig.counted(by("kind"), types, Dimension("cell", step=90)) == {
            ("stop", SIGN, (0, 0)): 4,
            ("stop", POLE, (0, 0)): 2,
            ("unknown", SIGN, None): 1,
            ("unknown", POLE, (-1, -1)): 1,
        }

    @pytest.mark.parametrize(
        ("step", "cells"),
        [
            (0.01, {(0, -18000): 2, (0, 17999): 1, (8999, 0): 3, (8999, -18000): 1, (-9000, 0): 2}),
            (0.7, {(0, -258): 2, (0, 257): 1, (128, 0): 3, (128, -258): 1, (-129, 0): 2}),
            (90.0, {(0, -2): 3, (0, 1): 1, (0, 0): 3, (-1, 0): 2}),
        ],
    )
    async def test_one_place_is_in_one_cell_at_the_antimeridian_and_at_the_poles(
        self, rig: AnswersRig, step: float, cells: dict[tuple[int, int], int]
    ) -> None:
        await rig.ask()
        places = (
            (0.0, 180.0), (0.0, -180.0), (0.0, 179.995), (89.995, -180.0),
            (90.0, 180.0), (90.0, -180.0), (90.0, 77.0), (-90.0, 180.0), (-90.0, 5.0),
        )  # fmt: skip
        part = answer_part(SPEC)
        await rig.warehouse.writer.write(
            [
                answer_row(item(n, latitude=latitude, longitude=longitude), part, answer=EMPTY)
                for n, (latitude, longitude) in enumerate(places)
            ]
        )
        assert await rig.counted(Dimension("cell", step=step)) == cells

    async def test_a_field_s_summary_tells_known_unknown_and_missing(self, rig: AnswersRig) -> None:
        await rig.ask()
        await rig.write(
            [
                answer(kind="stop", tilted=True, count=1, height=1.0, note="a", damage=["rust"]),
                answer(kind="yield", tilted=False, count=4, note=""),
                EMPTY,
            ]
        )
        summaries = {
            summary.field.name: summary for summary in await rig.answers.fields(AnswerQuery(SPEC))
        }
        assert list(summaries) == [spec.name for spec in SPEC.fields]
        kind = summaries["kind"]
        assert (kind.known, kind.unknown, kind.missing) == (2, 1, 0)
        assert dict(kind.values) == {"stop": 1, "yield": 1, "unknown": 1}
        assert dict(summaries["tilted"].values) == {"true": 1, "false": 1}
        count = summaries["count"]
        assert (count.minimum, count.mean, count.maximum) == (1, 2.5, 4)
        counts = {
            name: (summary.known, summary.unknown, summary.missing)
            for name, summary in summaries.items()
        }
        assert counts == {
            "kind": (2, 1, 0), "tilted": (2, 0, 1), "count": (2, 0, 1), "height": (1, 0, 2),
            "note": (1, 0, 2), "damage": (1, 0, 2),
        }  # fmt: skip

    async def test_assets_whose_images_disagree_are_counted(self, rig: AnswersRig) -> None:
        await rig.ask()
        kinds = ["stop", "yield", "stop", "stop", "stop", "unknown"]  # two images an asset
        await rig.write([answer(kind=kind, tilted=kind == "stop") for kind in kinds])
        lone = [item(n, asset_id="") for n in (6, 7)]
        await rig.warehouse.writer.write(
            [answer_row(image, TASK, answer=answer(kind=kind))
             for image, kind in zip(lone, ("stop", "yield"), strict=True)]
        )  # fmt: skip
        summaries = {
            summary.field.name: summary for summary in await rig.answers.fields(AnswerQuery(SPEC))
        }
        assert (summaries["kind"].assets, summaries["kind"].disagreeing) == (2, 1)
        assert (summaries["tilted"].assets, summaries["tilted"].disagreeing) == (3, 2)
        assert (summaries["count"].assets, summaries["count"].disagreeing) == (0, 0)
        assert (summaries["note"].assets, summaries["note"].disagreeing) == (None, None)

    async def test_answers_without_a_usable_place_or_time_are_counted(
        self, rig: AnswersRig
    ) -> None:
        await rig.ask()
        items = [
            item(0),
            item(1, latitude=None),
            item(2, longitude=181.0),
            item(3, capture_time=None),
        ]
        await rig.warehouse.writer.write(
            [answer_row(work_item, TASK, answer=EMPTY) for work_item in items]
        )
        quality = await rig.answers.quality(AnswerQuery(SPEC))
        assert (quality.answers, quality.without_position, quality.without_time) == (4, 2, 1)

    async def test_coverage_counts_what_is_known_of_each_type(self, rig: AnswersRig) -> None:
        warehouse = rig.warehouse
        await warehouse.load([observation(n) for n in range(8)])
        await rig.ask()
        await warehouse.open(asking(TASK, EMBEDDING), "run-1")
        items = {work_item.subject_id: work_item for work_item in await warehouse.items("run-1")}
        some = [items[f"obs-{n:03d}"] for n in range(8)]
        await warehouse.writer.write(
            [
                *(embedding_row(work_item) for work_item in some[:3]),
                *(answer_row(work_item, TASK, answer=EMPTY) for work_item in some[:2]),
                dead_row(some[1], TASK),  # an older one: answered since
                dead_row(some[2], TASK),
                dead_row(some[3], EMBEDDING),
                dead_row(some[4], TASK, reason=Reason.BAD_URI),
                dead_row(some[4], TASK, event="replayed", at=NOW + timedelta(seconds=1)),
            ]
        )
        coverage = await rig.answers.coverage(Filter(), SPEC)
        assert [
            (
                of_type.asset_type,
                of_type.observations,
                of_type.assets,
                of_type.embedded,
                of_type.answered,
                of_type.dead,
            )
            for of_type in coverage
        ] == [(SIGN, 4, 2, 2, 2, 0), (POLE, 4, 2, 1, 0, 1)]
        (poles,) = await rig.answers.coverage(Filter(asset_types=(POLE,)), None)
        assert (poles.observations, poles.answered, poles.dead) == (4, 0, 2)

    async def test_an_answer_about_an_asset_covers_all_its_images(self, rig: AnswersRig) -> None:
        warehouse, part = rig.warehouse, answer_part(OF_ASSETS)
        await warehouse.load([observation(n) for n in range(4)])
        await rig.ask(OF_ASSETS)
        await warehouse.open(asking(PartRequest(part, by_asset=True)), "run-1")
        items = sorted(await warehouse.items("run-1"), key=lambda work_item: work_item.subject_id)
        await warehouse.writer.write(
            [
                answer_row(items[0], part, answer=answer(kind="stop"), by_asset=True),
                dead_row(replace(items[1], parts=(part,)), part),
            ]
        )
        coverage = await rig.answers.coverage(Filter(), OF_ASSETS)
        assert [(of_type.asset_type, of_type.answered, of_type.dead) for of_type in coverage] == [
            (SIGN, 2, 0),
            (POLE, 0, 2),
        ]
        (row,) = await rig.read(AnswerQuery(OF_ASSETS))
        assert (row.subject_id, row.observation_id) == ("asset-000", None)
        summary = await rig.answers.fields(AnswerQuery(OF_ASSETS))
        assert {of_field.assets for of_field in summary} == {None}

    async def test_any_text_may_stand_in_answers_and_tasks(self, rig: AnswersRig) -> None:
        toml = 'name = "nasty"\nprompt = "?"\n[fields.select]\ntype = "enum"\nvalues = VALUES\n'
        listed = toml.replace("VALUES", f'["unknown", {_toml(NASTY)}]') + 'description = "d"\n'
        more = f'[fields.order]\ntype = "list"\nvalues = [{_toml(NASTY)}]\ndescription = "d"\n'
        spec = parse_task(listed + more).resolve("m")
        await rig.ask(spec)
        import orjson

        text = orjson.dumps({"select": NASTY, "order": [NASTY, NASTY]}).decode()
        await rig.write([text], spec)
        query = AnswerQuery(spec)
        (row,) = await rig.read(query)
        assert row.answer == {"select": NASTY, "order": [NASTY, NASTY]}
        select, order = await rig.answers.fields(query)
        assert (dict(select.values)[NASTY], dict(order.values)[NASTY]) == (1, 1)
        for spec_field in spec.fields:
            groups = await rig.answers.counted(query, [Dimension("field", spec_field)])
            assert groups == [Group((NASTY,), 1)]
        nobody = AnswerQuery(spec, Filter(asset_types=(NASTY,)))
        assert await rig.answers.count(nobody) == 0


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
