"""What differs between two snapshots, or before and after a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from pathlib import Path

from sightline.analysis.changes import Change, compared
from sightline.export.changes_task import ChangesTask
from sightline.model import Filter
from sightline.operations.asset_files import asset_file, check_asset_file
from sightline.operations.comparison import Comparison
from sightline.operations.consolidate import only_fields, weighting_of
from sightline.operations.reading.answers_by_asset import each_page, gathering, selected_answers
from sightline.ports import AnswerRow, Warehouse
from sightline.progress import Progress, no_progress
from sightline.tasks import TaskSpec

KINDS = ("appeared", "vanished", "changed", "known_differently", "same")
SHOWN_KINDS = KINDS[:3]
FIELD_KINDS = ("changed", "newly_known", "no_longer_known")


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the assets between two sides.

    ``assets`` counts them by kind of change, ``fields`` the differences of each field by kind, and
    ``shown`` holds the surest changes of each kind that is shown.
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

    Numbers no further apart than ``tolerance`` are equal; ``confidence`` and ``half_life_days``
    weigh answers as ``consolidate`` does. ``out`` takes a row an asset.

    Raises:
        NotFoundError: there is no such task, field, snapshot or answer.
        ConfigurationError: all answers are of one snapshot, or ``out`` cannot be written.
    """
    check_asset_file(out, force=force)
    comparison = comparison or Comparison()
    query, total = await selected_answers(warehouse, task, which or Filter())
    weighting = weighting_of(query.task, confidence, half_life_days)
    compared_task = only_fields(query.task, fields)
    snapshots: dict[str, datetime | None] = {}
    with gathering(total) as gathered:

        def take(page: Sequence[AnswerRow]) -> None:
            gathered.add(page)
            _note_latest(snapshots, page)

        await each_page(warehouse.answers, query, total, take, progress)
        before, after = comparison.sides(query.task, snapshots)
        tally = _Tally(compared_task, top)
        done = 0
        with (
            asset_file(out, ChangesTask(compared_task)) as file,
            progress("comparing", total) as update,
        ):
            for rows in gathered.groups():
                done += len(rows)
                update(done, None)
                was, now = [list(filter(side.holds, rows)) for side in (before, after)]
                if not was and not now:
                    continue
                change = compared(compared_task, was, now, weighting, tolerance=tolerance)
                tally.add(change, len(was), len(now))
                file.add(change)
        return Changes(
            task=query.task,
            by="snapshot" if comparison.at is None else "time",
            before=before.name,
            after=after.name,
            answers=gathered.answers,
            without_asset=gathered.without_asset,
            answers_before=tally.answers_before,
            answers_after=tally.answers_after,
            assets={kind: tally.kinds[kind] for kind in KINDS},
            fields={
                name: {kind: counts[kind] for kind in FIELD_KINDS}
                for name, counts in tally.fields.items()
            },
            shown={
                kind: nsmallest(top, listed, key=_surest_first)
                for kind, listed in tally.shown.items()
            },
            file=out,
        )


def _note_latest(snapshots: dict[str, datetime | None], page: Sequence[AnswerRow]) -> None:
    """Note each snapshot, with the time of its last image where one is known."""
    for row in page:
        times = (snapshots.get(row.snapshot_id), row.capture_time)
        snapshots[row.snapshot_id] = max((time for time in times if time), default=None)


class _Tally:
    """What became of the assets, counted, and those that changed most surely."""

    def __init__(self, task: TaskSpec, top: int) -> None:
        self._top = top
        self.kinds = Counter[str]()
        self.fields = {one.name: Counter[str]() for one in task.fields if one.type != "string"}
        self.answers_before = self.answers_after = 0
        self.shown: dict[str, list[Change]] = {kind: [] for kind in SHOWN_KINDS}

    def add(self, change: Change, before: int, after: int) -> None:
        self.answers_before += before
        self.answers_after += after
        self.kinds[change.kind] += 1
        for difference in change.differences:
            self.fields[difference.field][difference.kind] += 1
        if change.kind in self.shown:
            listed = self.shown[change.kind]
            listed.append(change)
            if len(listed) > 2 * self._top + 100:
                self.shown[change.kind] = nsmallest(self._top, listed, key=_surest_first)


def _surest_first(change: Change) -> tuple[float, str]:
    return -round(change.sureness, 9), change.asset_id
