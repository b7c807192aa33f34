"""``sightline consolidate``: one answer an asset, out of those about its images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.analysis.consolidation import AssetAnswer, Weighting
    from sightline.cli.asset_files import AssetFile
    from sightline.model import Filter
    from sightline.settings import Settings
    from sightline.tasks import TaskSpec

VERDICTS = ("agreed", "conflict", "tie", "unknown")

Confidence = Annotated[
    str | None,
    typer.Option(help="A field from 0 to 1 that tells how sure an answer is, as its weight."),
]
HalfLife = Annotated[
    float,
    typer.Option(
        "--half-life", help="Days after which an image weighs half; 0 lets age not matter.", min=0
    ),
]

Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="Only this field of the task; may be repeated."),
]


def consolidate(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="A task; needed where several are.")] = None,
    field: Fields = None,
    confidence: Confidence = None,
    half_life: HalfLife = 365.0,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a row an asset: .parquet, .geoparquet, .geojson, .csv or .jsonl."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    top: Annotated[int, typer.Option(help="Conflicts that are shown.", min=0, max=10_000)] = 20,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Make one answer an asset of those about its images, and show where they conflict.

    Example: sightline consolidate road_signs --out signs.geojson
    """
    import asyncio

    from sightline.cli.asset_files import check_asset_file

    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    state.must_exist()
    state.check_output(out)
    check_asset_file(out, force=force)
    found = asyncio.run(
        _consolidate(state.settings(), task, which, field or [], (confidence, half_life), out, top)
    )
    print_json(found) if as_json else _print(found)


def checked_weighting(task: TaskSpec, confidence: str | None, half_life: float) -> Weighting:
    """Return how answers of a task are weighed.

    Raises:
        NotFoundError: the task has no such field.
        ConfigurationError: it is no number.
    """
    from sightline.analysis.consolidation import Weighting
    from sightline.errors import ConfigurationError, NotFoundError

    numbers = [one.name for one in task.fields if one.type == "number"]
    if confidence is not None and confidence not in numbers:
        others = f"give one of {', '.join(numbers)}" if numbers else "leave --confidence out"
        if confidence in {one.name for one in task.fields}:
            raise ConfigurationError(f"--confidence {confidence} is no number; {others}")
        raise NotFoundError(f"{task.name} has no field {confidence!r}; {others}")
    return Weighting(confidence, half_life or None)


def only_fields(task: TaskSpec, names: Sequence[str]) -> TaskSpec:
    """Return the task with these fields alone, in its own order; without names as it is.

    Raises:
        NotFoundError: the task has no such field.
    """
    from sightline.errors import NotFoundError

    there = [one.name for one in task.fields]
    for name in names:
        if name not in there:
            raise NotFoundError(
                f"{task.name} has no field {name!r}; give one of {', '.join(there)}"
            )
    chosen = tuple(one for one in task.fields if one.name in names)
    return replace(task, fields=chosen) if names else task


def _file(out: Path | None, task: TaskSpec) -> AbstractContextManager[AssetFile]:
    from sightline.cli.asset_files import asset_file
    from sightline.export.consolidated_task import ConsolidatedTask

    columns = ConsolidatedTask(task)
    return asset_file(out, columns.task, columns.row, asset_json)


async def _consolidate(
    settings: Settings,
    name: str | None,
    which: Filter,
    names: Sequence[str],
    weights: tuple[str | None, float],
    out: Path | None,
    top: int,
) -> dict[str, Any]:
    from sightline.analysis.consolidation import consolidate as consolidated
    from sightline.cli.by_asset import asked, each_page, gathering
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        query, total = await asked(settings, warehouse.answers, name, which)
        weighting = checked_weighting(query.task, *weights)
        task = only_fields(query.task, names)
        with gathering(total) as gathered:
            await each_page(warehouse.answers, query, total, gathered.add)
            tally = _Tally(task, top)
            done = 0
            with _file(out, task) as file, progress_bar("consolidating", total) as update:
                for rows in gathered.groups():
                    one = consolidated(task, rows, weighting)
                    tally.add(one)
                    file.add(one)
                    done += len(rows)
                    update(done, None)
            return {
                "task": query.task.name,
                "fingerprint": query.task.fingerprint,
                "answers": gathered.answers,
                "without_asset": gathered.without_asset,
                **tally.told(),
                "file": None if out is None else str(out),
            }


class _Tally:
    """Verdicts counted by field, and the assets that are most in conflict."""

    def __init__(self, task: TaskSpec, top: int) -> None:
        self._top = top
        self._counts = {one.name: Counter[str]() for one in task.fields}
        self._assets = self._in_conflict = 0
        self._worst: list[AssetAnswer] = []

    def add(self, one: AssetAnswer) -> None:
        self._assets += 1
        for field in one.fields:
            self._counts[field.field][field.verdict] += 1
        if one.conflicts:
            self._in_conflict += 1
            self._worst.append(one)
            if len(self._worst) > 2 * self._top + 100:
                self._worst = nlargest(self._top, self._worst, key=_heat)

    def told(self) -> dict[str, Any]:
        return {
            "assets": self._assets,
            "assets_in_conflict": self._in_conflict,
            "fields": [
                {"field": name, **{one: counts[one] for one in VERDICTS}}
                for name, counts in self._counts.items()
            ],
            "conflicts": [asset_json(one) for one in nlargest(self._top, self._worst, key=_heat)],
        }


def _heat(one: AssetAnswer) -> tuple[float, str]:
    """Order assets by how much of the weight is against what was decided."""
    against = sum(1 - field.share for field in one.fields if field.field in one.conflicts)
    return round(against, 9), one.asset_id


def asset_json(one: AssetAnswer) -> dict[str, Any]:
    """Return all that is known of a consolidated answer."""
    return {
        "asset_id": one.asset_id,
        "asset_type": one.newest.asset_type,
        "latitude": one.newest.latitude,
        "longitude": one.newest.longitude,
        "capture_time": one.newest.capture_time,
        "observations": list(one.subjects),
        "answer": one.answer(),
        "conflicts": list(one.conflicts),
        "fields": [asdict(field) for field in one.fields],
    }


def _print(found: dict[str, Any]) -> None:
    say(
        f"{found['task']}: {found['answers']:,} answers about {found['assets']:,} assets,"
        f" {found['assets_in_conflict']:,} of them in conflict"
    )
    print_table(
        "assets by field",
        ("field", *VERDICTS),
        [(one["field"], *(one[name] for name in VERDICTS)) for one in found["fields"]],
    )
    lines = [
        (
            one["asset_id"],
            field["field"],
            ", ".join(
                f"{value_text(some['value'])} {some['share']:.2f} ({len(some['subjects'])})"
                for some in field["evidence"]
            ),
        )
        for one in found["conflicts"]
        for field in one["fields"]
        if field["field"] in one["conflicts"]
    ]
    if lines:
        print_table("conflicts", ("asset", "field", "share (images) of each value"), lines)
    if found["file"] is not None:
        say(f"{found['file']}: {found['assets']:,} assets")
    if found["without_asset"]:
        remark(f"{found['without_asset']:,} answers belong to no asset and were left out")


def value_text(value: object) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
