"""``sightline stats``: answers counted, crossed with one another, and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.model import Filter
    from sightline.ports import Answers, Dimension, FieldSummary
    from sightline.settings import Settings
    from sightline.tasks import TaskSpec

STEPS = 3
"""Questions about a task that progress is told of."""

CONFIDENCE_STEP = 0.1
"""Width of the bins in which a field that tells a confidence is counted."""


def stats(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="A task; without it all there are.")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Count by a field of the task, asset_type, month or cell."),
    ] = None,
    across: Annotated[
        str | None, typer.Option(help="And by another of these, as the table's columns.")
    ] = None,
    cell: Annotated[
        float, typer.Option(help="Edge of a cell, in degrees.", min=0.00001, max=90)
    ] = 0.01,
    bin_: Annotated[
        float | None, typer.Option("--bin", help="Width in which a number is counted.")
    ] = None,
    top: Annotated[int, typer.Option(help="Rows of a table.", min=1, max=10_000)] = 20,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Count the current answers, cross one field with another, and check them.

    Example: sightline stats road_signs --by condition --across month
    """
    import asyncio

    from sightline.cli.answer_tables import print_counted, print_overview
    from sightline.errors import ConfigurationError

    if across is not None and by is None:
        raise ConfigurationError(f"--across {across} needs --by; give --by FIELD, too")
    if bin_ is not None and not 0 < bin_ < float("inf"):
        raise ConfigurationError(f"--bin {bin_} is not accepted; give a width such as 0.5")
    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    state.must_exist()
    settings = state.settings()
    if by is None:
        found = asyncio.run(_overview(settings, task, which))
        print_json(found) if as_json else print_overview(found, top)
        return
    names = (by,) if across is None else (by, across)
    counted = asyncio.run(_counted(settings, task, which, names, cell, bin_))
    print_json(_counted_json(counted)) if as_json else print_counted(counted, top)


async def _overview(settings: Settings, name: str | None, which: Filter) -> dict[str, Any]:
    from sightline.wiring import known_tasks, open_warehouse

    async with open_warehouse(settings) as warehouse:
        answers = warehouse.answers
        asked = await answers.tasks()
        if name is not None:
            from sightline.cli.answering import chosen_task

            asked = [chosen_task(name, asked, known_tasks(settings))]
        if not asked:
            nothing = await answers.coverage(which, None)
            return {"tasks": [], "coverage": [asdict(one) for one in nothing]}
        with progress_bar("counting", STEPS * len(asked)) as update:
            done = count(1)
            found = [
                await _of_task(answers, one, which, lambda: update(next(done), None))
                for one in asked
            ]
        return {"tasks": found}


async def _of_task(
    answers: Answers, task: TaskSpec, which: Filter, on_step: Callable[[], None]
) -> dict[str, Any]:
    from sightline.ports import AnswerQuery

    query = AnswerQuery(task, which)
    fields = await answers.fields(query)
    on_step()
    coverage = await answers.coverage(which, task)
    on_step()
    quality = await answers.quality(query)
    on_step()
    return {
        "task": task.name,
        "fingerprint": task.fingerprint,
        "model": task.model,
        **asdict(quality),
        "coverage": [
            asdict(one)
            for one in coverage
            if task.applies_to(one.asset_type) or one.answered or one.dead
        ],
        "fields": [_field_json(one) for one in fields],
        "confidence": [
            {"field": one.name, "from": low, "to": high, "answers": number}
            for one in task.fields
            if one.type == "number" and "confidence" in one.name
            for (low, high), number in await _bins(answers, query, one)
        ],
    }


async def _bins(answers: Answers, query: Any, field: Any) -> list[tuple[Any, int]]:
    from sightline.cli.cross_table import key_json
    from sightline.ports import Dimension

    one = Dimension("field", field, CONFIDENCE_STEP)
    groups = await answers.counted(query, [one])
    known = [(key_json(one, group.keys[0]), group.answers) for group in groups]
    return sorted((edges, number) for edges, number in known if edges is not None)


def _field_json(one: FieldSummary) -> dict[str, Any]:
    found = {**asdict(one), "field": one.field.name, "type": one.field.type}
    return {**found, "values": dict(one.values)}


async def _counted(
    settings: Settings,
    name: str | None,
    which: Filter,
    names: Sequence[str],
    cell: float,
    width: float | None,
) -> dict[str, Any]:
    from sightline.cli.answering import chosen_task
    from sightline.ports import MOST_GROUPS, AnswerQuery
    from sightline.wiring import known_tasks, open_warehouse

    async with open_warehouse(settings) as warehouse:
        task = chosen_task(name, await warehouse.answers.tasks(), known_tasks(settings))
        by = [dimension(task, one, cell=cell, width=width) for one in names]
        query = AnswerQuery(task, which)
        with progress_bar("counting", 2) as update:
            groups = await warehouse.answers.counted(query, by)
            update(1, None)
            answers = await warehouse.answers.count(query)
            update(2, None)
        return {
            "task": task,
            "names": names,
            "by": by,
            "groups": groups,
            "answers": answers,
            "cut_off": len(groups) == MOST_GROUPS,
        }


def dimension(task: TaskSpec, name: str, *, cell: float, width: float | None) -> Dimension:
    """Return what answers are counted by; a field of the task goes before the other names.

    Raises:
        NotFoundError: it is neither.
    """
    from sightline.errors import NotFoundError
    from sightline.ports import Dimension

    for one in task.fields:
        if one.name == name:
            return Dimension("field", one, width if one.type in {"integer", "number"} else None)
    match name:
        case "asset_type" | "month":
            return Dimension(name)
        case "cell":
            return Dimension("cell", step=cell)
        case _:
            fields = ", ".join(one.name for one in task.fields)
            raise NotFoundError(
                f"{task.name} has no field {name!r}; give one of {fields}, asset_type, month, cell"
            )


def _counted_json(found: dict[str, Any]) -> dict[str, Any]:
    from sightline.cli.cross_table import key_json

    labels = ("by", "across")
    return {
        "task": found["task"].name,
        "fingerprint": found["task"].fingerprint,
        **dict(zip(labels, found["names"], strict=False)),
        "answers": found["answers"],
        "cut_off": found["cut_off"],
        "groups": [
            {
                **{
                    label: key_json(one, key)
                    for label, one, key in zip(labels, found["by"], group.keys, strict=False)
                },
                "answers": group.answers,
            }
            for group in found["groups"]
        ],
    }
