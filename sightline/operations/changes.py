"""What differs between two snapshots, or before and after a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from pathlib import Path

from sightline.analysis.changes import Change, compared
from sightline.export.changes_task import ChangesTask
from sightline.model import Filter
from sightline.operations.asset_files import asset_file, check_asset_file
from sightline.operations.comparison import Comparison, Side
from sightline.operations.consolidate import only_fields, weighting_of
from sightline.operations.reading.answers_by_asset import (
    ByAsset,
    each_page,
    gathering,
    selected_answers,
)
from sightline.ports import AnswerRow, Warehouse
from sightline.progress import Progress, no_progress
from sightline.tasks import TaskSpec

KINDS = ("appeared", "vanished", "changed", "known_differently", "same")
SHOWN_KINDS = KINDS[:3]
FIELD_KINDS = ("changed", "newly_known", "no_longer_known")


@dataclass(frozen=True, slots=True)
class Changes:
    """How the assets changed between two sides.

    ``assets`` counts them by kind of change, ``fields`` counts the differences of each field by
    kind, and ``shown`` holds the most certain changes of each requested kind.
    """

    task: TaskSpec
    by: str
    before: str
    after: str
    answers: int
    without_asset: int
    answers_before: int
    answers_after: int
    assets: Mapping[str, int]
    fields: Mapping[str, Mapping[str, int]]
    shown: Mapping[str, Sequence[Change]]
    file: Path | None


async def changes(
    warehouse: Warehouse,
    task: str | None = None,
    *,
    comparison: Comparison | None = None,
    which: Filter | None = None,
    fields: Sequence[str] = (),
    tolerance: float = 0.0,
    confidence: str | None = None,
    half_life_days: float = 365.0,
    out: Path | None = None,
    force: bool = False,
    top: int = 20,
    progress: Progress = no_progress,
) -> Changes:
    """Compare the assets of two snapshots, or those before and after a time.

    Numbers that differ by at most ``tolerance`` are equal; ``confidence`` and ``half_life_days``
    weigh answers as in ``consolidate``. ``out`` receives one row per asset.

    Raises:
        NotFoundError: there is no such task, field, snapshot or answer.
        ConfigurationError: all answers are of one snapshot, or ``out`` cannot be written.
    """
    check_asset_file(out, force=force)
    comparison = comparison or Comparison()
    query, total = await selected_answers(warehouse, task, which or Filter())
    weighting = weighting_of(query.task, confidence, half_life_days)
    compared_task = only_fields(query.task, fields)
    with gathering(total) as gathered:
        snapshots: dict[str, datetime | None] = {}

        def take(page: Sequence[AnswerRow]) -> None:
            gathered.add(page)
            _note_latest(snapshots, page)

        await each_page(warehouse.answers, query, total, take, progress)
        sides = comparison.sides(query.task, snapshots)
        tally = _Tally(compared_task, top)
        with (
            asset_file(out, ChangesTask(compared_task)) as file,
            progress("comparing", total) as update,
        ):
            for was, now in _two_sides(gathered.groups(), sides, update):
                change = compared(compared_task, was, now, weighting, tolerance=tolerance)
                tally.add(change, len(was), len(now))
                file.add(change)
        return tally.result(query.task, comparison, sides, gathered, out)


def _two_sides(
    groups: Iterable[list[AnswerRow]],
    sides: tuple[Side, Side],
    on_progress: Callable[[int, int | None], None],
) -> Iterator[tuple[list[AnswerRow], list[AnswerRow]]]:
    """Yield each asset's answers on both sides; assets on neither side are left out."""
    done = 0
    for rows in groups:
        done += len(rows)
        on_progress(done, None)
        before, after = sides
        was, now = list(filter(before.holds, rows)), list(filter(after.holds, rows))
        if was or now:
            yield was, now


def _note_latest(snapshots: dict[str, datetime | None], page: Sequence[AnswerRow]) -> None:
    """Record each snapshot, with the time of its last image if known."""
    for row in page:
        times = (snapshots.get(row.snapshot_id), row.capture_time)
        snapshots[row.snapshot_id] = max((time for time in times if time), default=None)


class _Tally:
    """Counts the changes of assets, and keeps the most certain ones."""

    def __init__(self, task: TaskSpec, top: int) -> None:
        self._top = top
        self._kinds = Counter[str]()
        self._fields = {
            field.name: Counter[str]() for field in task.fields if field.type != "string"
        }
        self._before = self._after = 0
        self._shown: dict[str, list[Change]] = {kind: [] for kind in SHOWN_KINDS}

    def add(self, change: Change, before: int, after: int) -> None:
        self._before += before
        self._after += after
        self._kinds[change.kind] += 1
        for difference in change.differences:
            self._fields[difference.field][difference.kind] += 1
        if change.kind in self._shown:
            listed = self._shown[change.kind]
            listed.append(change)
            if len(listed) > 2 * self._top + 100:
                self._shown[change.kind] = nsmallest(self._top, listed, key=_surest_first)

    def result(
        self,
        task: TaskSpec,
        comparison: Comparison,
        sides: tuple[Side, Side],
        gathered: ByAsset,
        file: Path | None,
    ) -> Changes:
        before, after = sides
        return Changes(
            task=task,
            by="snapshot" if comparison.at is None else "time",
            before=before.name,
            after=after.name,
            answers=gathered.answers,
            without_asset=gathered.without_asset,
            answers_before=self._before,
            answers_after=self._after,
            assets={kind: self._kinds[kind] for kind in KINDS},
            fields={
                name: {kind: counts[kind] for kind in FIELD_KINDS}
                for name, counts in self._fields.items()
            },
            shown={
                kind: nsmallest(self._top, listed, key=_surest_first)
                for kind, listed in self._shown.items()
            },
            file=file,
        )


def _surest_first(change: Change) -> tuple[float, str]:
    return -round(change.sureness, 9), change.asset_id
