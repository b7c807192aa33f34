"""Counts answers, crosses them with one another, and checks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from sightline.analysis.group_keys import key_value
from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import Filter
from sightline.operations.reading.answers_by_asset import why_no_answers
from sightline.operations.reading.chosen_task import chosen_task
from sightline.operations.selection import Emptied, check_asset_types, why_empty
from sightline.ports import (
    MOST_GROUPS,
    AnswerQuality,
    AnswerQuery,
    Answers,
    Coverage,
    Dimension,
    FieldSummary,
    Group,
    Warehouse,
)
from sightline.progress import Progress, no_progress
from sightline.suggestions import did_you_mean
from sightline.tasks import FieldSpec, TaskSpec

STEPS = 3
"""The number of statements about a task, for progress."""

CONFIDENCE_STEP = 0.1
"""The bin width for counting a confidence field."""


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """How many answers have a confidence from ``low`` up to, but not including, ``high``."""

    field: str
    low: float
    high: float
    answers: int


@dataclass(frozen=True, slots=True)
class TaskOverview:
    """Statistics of the current answers of a task."""

    task: TaskSpec
    quality: AnswerQuality
    coverage: Sequence[Coverage]
    fields: Sequence[FieldSummary]
    confidence: Sequence[ConfidenceBin]


@dataclass(frozen=True, slots=True)
class TasksOverview:
    """Statistics of each task; ``coverage`` of the observations if no task was named.

    ``emptied`` names the filter that left no observation.
    """

    tasks: Sequence[TaskOverview]
    coverage: Sequence[Coverage] | None = None
    emptied: Emptied | None = None


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """The answers of a task in groups by one or two dimensions, largest first.

    ``names`` are the requested names of the dimensions. If ``cut_off``, smaller groups are missing.
    ``emptied`` names the filter that left no answer.
    """

    task: TaskSpec
    names: Sequence[str]
    by: Sequence[Dimension]
    groups: Sequence[Group]
    answers: int
    cut_off: bool
    emptied: Emptied | None = None


async def overview(
    warehouse: Warehouse,
    task: str | None = None,
    *,
    which: Filter | None = None,
    progress: Progress = no_progress,
) -> TasksOverview:
    """Return statistics of the current answers of a task, or of each task.

    Raises:
        NotFoundError: there is no such task, or it was never enqueued.
    """
    answers, which = warehouse.answers, which or Filter()
    await check_asset_types(warehouse, which)
    if task is not None:
        tasks: Sequence[TaskSpec] = [await chosen_task(warehouse, task)]
    else:
        tasks = await answers.tasks()
    if not tasks:
        return TasksOverview((), await answers.coverage(which, None))
    with progress("counting", STEPS * len(tasks)) as update:
        done = count(1)
        overviews = [
            await _of_task(answers, spec, which, lambda: update(next(done), None)) for spec in tasks
        ]
    if any(of_task.coverage or of_task.quality.answers for of_task in overviews):
        return TasksOverview(overviews)

    async def observations(alone: Filter, _answers: object) -> int:
        return sum(row.observations for row in await answers.coverage(alone, None))

    return TasksOverview(overviews, emptied=await why_empty(observations, which))


async def count_answers(
    warehouse: Warehouse,
    task: str | None,
    names: Sequence[str],
    *,
    which: Filter | None = None,
    cell: float = 0.01,
    bin_width: float | None = None,
    progress: Progress = no_progress,
) -> AnswerCounts:
    """Count the current answers by fields of the task, ``asset_type``, ``month`` or ``cell``.

    ``cell`` is the edge of a cell in degrees, ``bin_width`` the width of a bin of numbers.

    Raises:
        NotFoundError: there is no such task or field.
        ConfigurationError: no task is named, and there are several.
    """
    await check_asset_types(warehouse, which or Filter())
    spec = await chosen_task(warehouse, task)
    by = [dimension(spec, name, cell=cell, bin_width=bin_width) for name in names]
    if bin_width is not None and not any(_is_binned(part) for part in by):
        raise ConfigurationError(
            f"--bin {bin_width:g}: {' and '.join(names)} has no bins, since only numbers do; leave"
            " it out"
        )
    query = AnswerQuery(spec, which or Filter())
    with progress("counting", 2) as update:
        groups = await warehouse.answers.counted(query, by)
        update(1, None)
        answers = await warehouse.answers.count(query)
        update(2, None)
    emptied = None if answers else await why_no_answers(warehouse, query)
    return AnswerCounts(spec, names, by, groups, answers, len(groups) == MOST_GROUPS, emptied)


def dimension(task: TaskSpec, name: str, *, cell: float, bin_width: float | None) -> Dimension:
    """Return the dimensions to count by; a field of the task takes precedence over other names.

    Raises:
        NotFoundError: it is neither.
    """
    for field in task.fields:
        if field.name == name:
            is_number = field.type in {"integer", "number"}
            return Dimension("field", field, bin_width if is_number else None)
    match name:
        case "asset_type" | "month":
            return Dimension(name)
        case "cell":
            return Dimension("cell", step=cell)
        case _:
            accepted = [
                *(field.name for field in task.fields),
                "asset_type",
                "month",
                "cell",
            ]
            raise NotFoundError(
                f"{task.name} has no field {name!r}{did_you_mean(name, accepted)}; give one of"
                f" {', '.join(accepted)}"
            )


def _is_binned(by: Dimension) -> bool:
    return by.kind == "field" and by.step is not None


async def _of_task(
    answers: Answers, task: TaskSpec, which: Filter, on_step: Callable[[], None]
) -> TaskOverview:
    query = AnswerQuery(task, which)
    fields = await answers.fields(query)
    on_step()
    coverage = await answers.coverage(which, task)
    on_step()
    quality = await answers.quality(query)
    on_step()
    return TaskOverview(
        task,
        quality,
        [row for row in coverage if task.applies_to(row.asset_type) or row.answered or row.dead],
        fields,
        [
            bin_
            for field in task.fields
            if field.type == "number" and "confidence" in field.name
            for bin_ in await _confidence_bins(answers, query, field)
        ],
    )


async def _confidence_bins(
    answers: Answers, query: AnswerQuery, field: FieldSpec
) -> list[ConfidenceBin]:
    by = Dimension("field", field, CONFIDENCE_STEP)
    bins = []
    for group in await answers.counted(query, [by]):
        edges = key_value(by, group.keys[0])
        if isinstance(edges, list):
            bins.append(ConfidenceBin(field.name, edges[0], edges[1], group.answers))
    return sorted(bins, key=lambda bin_: bin_.low)
