"""``sightline changes``: what differs between two snapshots, or before and after a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from heapq import nsmallest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.commands.consolidate import (
    Confidence,
    Fields,
    HalfLife,
    checked_weighting,
    only_fields,
    value_text,
)
from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.analysis.changes import Change
    from sightline.cli.sides import Sides
    from sightline.model import Filter
    from sightline.ports import AnswerRow
    from sightline.settings import Settings
    from sightline.tasks import TaskSpec

KINDS = ("appeared", "vanished", "changed", "known_differently", "same")
FIELD_KINDS = ("changed", "newly_known", "no_longer_known")


def changes(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="A task; needed where several are.")] = None,
    from_snapshot: Annotated[
        str | None, typer.Option(help="The older snapshot; without it the one before the last.")
    ] = None,
    to_snapshot: Annotated[
        str | None, typer.Option(help="The newer snapshot; without it the last one.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Compare images before this time with those from it on.")
    ] = None,
    field: Fields = None,
    tolerance: Annotated[
        float, typer.Option(help="Numbers no further apart than this are equal.", min=0)
    ] = 0.0,
    confidence: Confidence = None,
    half_life: HalfLife = 365.0,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a row an asset: .parquet, .geoparquet, .geojson, .csv or .jsonl."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    top: Annotated[int, typer.Option(help="Assets that are shown.", min=0, max=10_000)] = 20,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Compare assets between two snapshots, or before and after a time.

    Example: sightline changes road_signs --at 2026-01-01 --out changes.geojson
    """
    import asyncio

    from sightline.cli.asset_files import check_asset_file
    from sightline.cli.sides import Sides

    sides = Sides.parse(from_snapshot, to_snapshot, at)
    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    state.must_exist()
    state.check_output(out)
    check_asset_file(out, force=force)
    options = _Options(task, which, field or [], sides, confidence, half_life, tolerance, out, top)
    found = asyncio.run(_changes(state.settings(), options))
    print_json(found) if as_json else _print(found)


@dataclass(frozen=True, slots=True)
class _Options:
    """What the options say."""

    task: str | None
    which: Filter
    fields: Sequence[str]
    sides: Sides
    confidence: str | None
    half_life: float
    tolerance: float
    out: Path | None
    top: int


async def _changes(settings: Settings, options: _Options) -> dict[str, Any]:
    from sightline.analysis.changes import compared
    from sightline.cli.by_asset import asked, each_page, gathering
    from sightline.cli.sides import chosen_sides
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        query, total = await asked(settings, warehouse.answers, options.task, options.which)
        weighting = checked_weighting(query.task, options.confidence, options.half_life)
        task = only_fields(query.task, options.fields)
        seen = _Snapshots()
        with gathering(total) as gathered:

            def take(page: Sequence[AnswerRow]) -> None:
                gathered.add(page)
                seen.add(page)

            await each_page(warehouse.answers, query, total, take)
            first, second, before, after = chosen_sides(query.task, seen.latest, options.sides)
            tally = _Tally(task, options.top)
            done = 0
            with _file(options.out, task) as file, progress_bar("comparing", total) as update:
                for rows in gathered.groups():
                    done += len(rows)
                    update(done, None)
                    was, now = [list(filter(side, rows)) for side in (before, after)]
                    if not was and not now:
                        continue
                    one = compared(task, was, now, weighting, tolerance=options.tolerance)
                    tally.add(one, len(was), len(now))
                    file.add(one)
            return {
                "task": query.task.name,
                "fingerprint": query.task.fingerprint,
                "by": "snapshot" if options.sides.moment is None else "time",
                "before": first,
                "after": second,
                "answers": gathered.answers,
                "without_asset": gathered.without_asset,
                **tally.told(),
                "file": None if options.out is None else str(options.out),
            }


class _Snapshots:
    """Each snapshot there is, with the time of its last image, where one is known."""

    def __init__(self) -> None:
        self.latest: dict[str, datetime | None] = {}

    def add(self, page: Sequence[AnswerRow]) -> None:
        for row in page:
            times = (self.latest.get(row.snapshot_id), row.capture_time)
            known = [one for one in times if one is not None]
            self.latest[row.snapshot_id] = max(known, default=None)


def _file(out: Path | None, task: TaskSpec) -> Any:
    from sightline.cli.asset_files import asset_file
    from sightline.export.changes_task import ChangesTask

    columns = ChangesTask(task)
    return asset_file(out, columns.task, columns.row, change_json)


class _Tally:
    """What became of the assets, counted, and those that changed most surely."""

    def __init__(self, task: TaskSpec, top: int) -> None:
        self._top = top
        self._kinds = Counter[str]()
        self._fields = {one.name: Counter[str]() for one in task.fields if one.type != "string"}
        self._answers = [0, 0]
        self._shown: dict[str, list[Change]] = {kind: [] for kind in KINDS[:3]}

    def add(self, one: Change, before: int, after: int) -> None:
        self._answers = [self._answers[0] + before, self._answers[1] + after]
        self._kinds[one.kind] += 1
        for some in one.differences:
            self._fields[some.field][some.kind] += 1
        if one.kind in self._shown:
            listed = self._shown[one.kind]
            listed.append(one)
            if len(listed) > 2 * self._top + 100:
                self._shown[one.kind] = nsmallest(self._top, listed, key=_surest_first)

    def told(self) -> dict[str, Any]:
        return {
            "answers_before": self._answers[0],
            "answers_after": self._answers[1],
            "assets": {kind: self._kinds[kind] for kind in KINDS},
            "fields": [
                {"field": name, **{kind: counts[kind] for kind in FIELD_KINDS}}
                for name, counts in self._fields.items()
            ],
            **{
                kind: [change_json(one) for one in nsmallest(self._top, listed, key=_surest_first)]
                for kind, listed in self._shown.items()
            },
        }


def _surest_first(one: Change) -> tuple[float, str]:
    return -round(one.sureness, 9), one.asset_id


def change_json(one: Change) -> dict[str, Any]:
    """Return all that is known of a change."""
    last = one.after or one.before
    assert last is not None  # one of both is there
    return {
        "asset_id": one.asset_id,
        "asset_type": last.newest.asset_type,
        "latitude": last.newest.latitude,
        "longitude": last.newest.longitude,
        "change": one.kind,
        "sureness": round(one.sureness, 6),
        "differences": [asdict(some) for some in one.differences],
        **{
            side: None if view is None else
            {"observations": list(view.subjects), "answer": view.answer()}
            for side, view in (("before", one.before), ("after", one.after))
        },
    }  # fmt: skip


def _print(found: dict[str, Any]) -> None:
    say(
        f"{found['task']}: {found['before']} ({found['answers_before']:,} answers) and"
        f" {found['after']} ({found['answers_after']:,})"
    )
    say("assets: " + ", ".join(f"{n:,} {kind.replace('_', ' ')}"
                               for kind, n in found["assets"].items()))  # fmt: skip
    columns = ("field", *(kind.replace("_", " ") for kind in FIELD_KINDS))
    rows = [(one["field"], *(one[kind] for kind in FIELD_KINDS)) for one in found["fields"]]
    print_table("assets by field", columns, rows)
    lines = [
        (
            one["asset_id"], some["field"], value_text(some["before"]), value_text(some["after"]),
            min(some["share_before"], some["share_after"]),
        )
        for one in found["changed"]
        for some in one["differences"]
        if some["kind"] == "changed"
    ]  # fmt: skip
    if lines:
        print_table(
            "changed, the surest first", ("asset", "field", "before", "after", "share"), lines
        )
    for kind in ("appeared", "vanished"):
        if found[kind]:
            more = found["assets"][kind] - len(found[kind])
            names = ", ".join(one["asset_id"] for one in found[kind])
            say(f"{kind}: {names}" + (f", and {more:,} more" if more > 0 else ""))
    if found["file"] is not None:
        say(f"{found['file']}: {sum(found['assets'].values()):,} assets")
    left = found["answers"] - found["answers_before"] - found["answers_after"]
    if left:
        remark(f"{left:,} answers are on neither side, or belong to no asset")
