"""Derives one answer per asset from the answers about its images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from pathlib import Path

from sightline.analysis.consolidation import AssetAnswer, Weighting
from sightline.analysis.consolidation import consolidate as consolidate_asset
from sightline.errors import ConfigurationError, NotFoundError
from sightline.export.consolidated_task import ConsolidatedTask
from sightline.model import Filter
from sightline.operations.asset_files import asset_file, check_asset_file
from sightline.operations.reading.answers_by_asset import each_page, gathering, selected_answers
from sightline.ports import Warehouse
from sightline.progress import Progress, no_progress
from sightline.suggestions import did_you_mean
from sightline.tasks import TaskSpec

VERDICTS = ("agreed", "conflict", "tie", "unknown")


@dataclass(frozen=True, slots=True)
class Consolidation:
    """The outcome of a consolidation.

    ``verdicts`` counts, for each field, the assets with each verdict. ``conflicts`` are the assets
    with the most weight against the decision, worst first.
    """

    task: TaskSpec
    answers: int
    without_asset: int
    assets: int
    assets_in_conflict: int
    verdicts: Mapping[str, Mapping[str, int]]
    conflicts: Sequence[AssetAnswer]
    file: Path | None


async def consolidate(
    warehouse: Warehouse,
    task: str | None = None,
    *,
    which: Filter | None = None,
    fields: Sequence[str] = (),
    confidence: str | None = None,
    half_life_days: float = 365.0,
    out: Path | None = None,
    force: bool = False,
    top: int = 20,
    progress: Progress = no_progress,
) -> Consolidation:
    """Derive one answer per asset from the current answers about its images.

    ``confidence`` names a number field that gives an answer's weight; ``half_life_days`` is the age
    at which an image's weight is halved (0: age does not matter). ``out`` receives one row per
    asset.

    Raises:
        NotFoundError: there is no such task, field or answer.
        ConfigurationError: no task is named and there are several, or ``out`` cannot be written.
    """
    check_asset_file(out, force=force)
    query, total = await selected_answers(warehouse, task, which or Filter())
    weighting = weighting_of(query.task, confidence, half_life_days)
    columns = ConsolidatedTask(only_fields(query.task, fields))
    with gathering(total) as gathered:
        await each_page(warehouse.answers, query, total, gathered.add, progress)
        tally = _Tally(only_fields(query.task, fields), top)
        done = 0
        with asset_file(out, columns) as file, progress("consolidating", total) as update:
            for rows in gathered.groups():
                asset = consolidate_asset(tally.task, rows, weighting)
                tally.add(asset)
                file.add(asset)
                done += len(rows)
                update(done, None)
        return tally.result(gathered.answers, gathered.without_asset, out)


def weighting_of(task: TaskSpec, confidence: str | None, half_life_days: float) -> Weighting:
    """Return how the answers of a task are weighed.

    Raises:
        NotFoundError: the task has no such field.
        ConfigurationError: the field is not a number.
    """
    numbers = [field.name for field in task.fields if field.type == "number"]
    if confidence is not None and confidence not in numbers:
        others = f"give one of {', '.join(numbers)}" if numbers else "leave --confidence out"
        if confidence in {field.name for field in task.fields}:
            raise ConfigurationError(f"--confidence {confidence} is not a number; {others}")
        meant = did_you_mean(confidence, numbers)
        raise NotFoundError(f"{task.name} has no field {confidence!r}{meant}; {others}")
    return Weighting(confidence, half_life_days or None)


def only_fields(task: TaskSpec, names: Sequence[str]) -> TaskSpec:
    """Return the task with only these fields, in its own order; without names, unchanged.

    Raises:
        NotFoundError: the task has no such field.
    """
    field_names = [field.name for field in task.fields]
    for name in names:
        if name not in field_names:
            raise NotFoundError(
                f"{task.name} has no field {name!r}{did_you_mean(name, field_names)}; give one of"
                f" {', '.join(field_names)}"
            )
    chosen = tuple(field for field in task.fields if field.name in names)
    return replace(task, fields=chosen) if names else task


class _Tally:
    """Counts verdicts by field, and keeps the assets with the strongest conflicts."""

    def __init__(self, task: TaskSpec, top: int) -> None:
        self.task = task
        self._top = top
        self._counts = {field.name: Counter[str]() for field in task.fields}
        self._assets = self._in_conflict = 0
        self._worst: list[AssetAnswer] = []

    def add(self, asset: AssetAnswer) -> None:
        self._assets += 1
        for field in asset.fields:
            self._counts[field.field][field.verdict] += 1
        if asset.conflicts:
            self._in_conflict += 1
            self._worst.append(asset)
            if len(self._worst) > 2 * self._top + 100:
                self._worst = nlargest(self._top, self._worst, key=_weight_against)

    def result(self, answers: int, without_asset: int, file: Path | None) -> Consolidation:
        return Consolidation(
            task=self.task,
            answers=answers,
            without_asset=without_asset,
            assets=self._assets,
            assets_in_conflict=self._in_conflict,
            verdicts={
                name: {verdict: counts[verdict] for verdict in VERDICTS}
                for name, counts in self._counts.items()
            },
            conflicts=nlargest(self._top, self._worst, key=_weight_against),
            file=file,
        )


def _weight_against(asset: AssetAnswer) -> tuple[float, str]:
    against = sum(1 - field.share for field in asset.fields if field.field in asset.conflicts)
    return round(against, 9), asset.asset_id
