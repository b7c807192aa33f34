"""Compares two views of an asset: two snapshots, or before and after a time.

Each view is consolidated separately, then the fields are compared. A value that was not known
before is newly known, and one that is not known any more is no longer known: neither is a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sightline.analysis.consolidation import AssetAnswer, Value, Weighting, consolidate
from sightline.ports import AnswerRow
from sightline.tasks import FieldSpec, TaskSpec

FieldChange = Literal["changed", "newly_known", "no_longer_known"]
AssetChange = Literal["appeared", "vanished", "changed", "known_differently", "same"]

MEANINGS: Mapping[AssetChange, str] = {
    "appeared": (
        "appeared: there are answers about the asset on the later side only; that does not mean"
        " that it is new: it may not have been photographed before"
    ),
    "vanished": (
        "vanished: there are answers about the asset on the earlier side only; that does not mean"
        " that it is gone: it may not have been photographed again"
    ),
}
"""What a change says that is no more than a missing answer, and what it does not say."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which two views differ, each with its value's share of the weight.

    ``sureness`` is the lesser share: a change between two values that all images agree on is 1.
    """

    field: str
    kind: FieldChange
    before: Value | None
    after: Value | None
    share_before: float
    share_after: float

    @property
    def sureness(self) -> float:
        """The lesser of the shares of the values that are known."""
        known = [
            share
            for value, share in ((self.before, self.share_before), (self.after, self.share_after))
            if value is not None
        ]
        return min(known)


@dataclass(frozen=True, slots=True)
class Change:
    """An asset before and after; one of them is missing if it appeared or vanished."""

    asset_id: str
    before: AssetAnswer | None
    after: AssetAnswer | None
    differences: tuple[Difference, ...]

    @property
    def kind(self) -> AssetChange:
        """Whether the asset appeared, vanished, changed, or stayed the same."""
        if self.before is None:
            return "appeared"
        if self.after is None:
            return "vanished"
        if any(difference.kind == "changed" for difference in self.differences):
            return "changed"
        return "known_differently" if self.differences else "same"

    @property
    def sureness(self) -> float:
        """The highest sureness of its changed fields; 0 without any."""
        return max(
            (
                difference.sureness
                for difference in self.differences
                if difference.kind == "changed"
            ),
            default=0.0,
        )


def compared(
    task: TaskSpec,
    before: Sequence[AnswerRow],
    after: Sequence[AnswerRow],
    weighting: Weighting | None = None,
    *,
    tolerance: float = 0.0,
) -> Change:
    """Return the differences between two views of one asset, of which one may be empty.

    Numbers that differ by at most ``tolerance`` are equal. Texts are not compared: two descriptions
    of the same thing always differ.

    Raises:
        ValueError: both are empty, or they are about several assets.
    """
    if len({answer.asset_id for answer in (*before, *after)}) != 1:
        raise ValueError("compared takes the answers about one asset")
    was = consolidate(task, before, weighting) if before else None
    now = consolidate(task, after, weighting) if after else None
    differences: tuple[Difference, ...] = ()
    if was is not None and now is not None:
        differences = tuple(_differences(task.fields, was, now, tolerance))
    return Change((*before, *after)[0].asset_id, was, now, differences)


def latest_two(last_captured: Iterable[tuple[str, datetime | None]]) -> tuple[str, str] | None:
    """Return the two most recently captured snapshots, the older one first; or none.

    A snapshot's time is that of its newest image. Snapshots without times are the oldest; equal
    ones are ordered by id.
    """
    snapshots = _by_time(last_captured)
    return (snapshots[-2], snapshots[-1]) if len(snapshots) > 1 else None


def latest(last_captured: Iterable[tuple[str, datetime | None]]) -> str | None:
    """Return the most recently captured snapshot; see ``latest_two``."""
    snapshots = _by_time(last_captured)
    return snapshots[-1] if snapshots else None


def _by_time(last_captured: Iterable[tuple[str, datetime | None]]) -> list[str]:
    return [
        name
        for _, _, name in sorted(
            (last is not None, last.timestamp() if last else 0.0, name)
            for name, last in last_captured
        )
    ]


def _differences(
    fields: Sequence[FieldSpec], was: AssetAnswer, now: AssetAnswer, tolerance: float
) -> Iterable[Difference]:
    for field, old, new in zip(fields, was.fields, now.fields, strict=True):
        if field.type == "string" or _same(old.value, new.value, tolerance):
            continue
        kind: FieldChange = "changed"
        if old.value is None:
            kind = "newly_known"
        elif new.value is None:
            kind = "no_longer_known"
        yield Difference(field.name, kind, old.value, new.value, old.share, new.share)


def _same(old: Value | None, new: Value | None, tolerance: float) -> bool:
    if isinstance(old, int | float) and isinstance(new, int | float):
        booleans = isinstance(old, bool) or isinstance(new, bool)
        return old == new or (not booleans and abs(old - new) <= tolerance)
    return old == new
