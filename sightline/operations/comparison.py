"""The two sides of a comparison: the snapshots or times that are meant, and each side's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sightline.analysis.changes import latest, latest_two
from sightline.errors import ConfigurationError, NotFoundError
from sightline.ports import AnswerRow
from sightline.suggestions import did_you_mean
from sightline.tasks import TaskSpec

LISTED = 20
"""The most snapshots that an error lists."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: its name, and a test of whether an answer belongs to it."""

    name: str
    holds: Callable[[AnswerRow], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare: two snapshots, or the times before and from a moment.

    A snapshot that is not named is the latest of the others.

    Raises:
        ConfigurationError: both snapshots and a time are given, or the same snapshot twice.
    """

    from_snapshot: str | None = None
    to_snapshot: str | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.at is not None and (self.from_snapshot or self.to_snapshot):
            raise ConfigurationError(
                "--at compares times, not snapshots; leave one or the other out"
            )
        if self.from_snapshot is not None and self.from_snapshot == self.to_snapshot:
            raise ConfigurationError(
                f"--from-snapshot and --to-snapshot are both {self.to_snapshot}; give two"
                " different ones"
            )

    def sides(self, task: TaskSpec, snapshots: Mapping[str, datetime | None]) -> tuple[Side, Side]:
        """Return both sides, from the existing snapshots, each with its last capture time.

        Raises:
            NotFoundError: there is no such snapshot.
            ConfigurationError: two snapshots are needed, and only one exists.
        """
        at = self.at
        if at is not None:
            return (
                Side(f"before {at.isoformat()}",
                     lambda row: row.capture_time is not None and row.capture_time < at),
                Side(f"from {at.isoformat()}",
                     lambda row: row.capture_time is not None and row.capture_time >= at),
            )  # fmt: skip
        named = (self.from_snapshot, self.to_snapshot)
        for name in named:
            if name is not None and name not in snapshots:
                existing = sorted(snapshot for snapshot in snapshots if snapshot)
                more = ", ..." if len(existing) > LISTED else ""
                raise NotFoundError(
                    f"no answer of {task.name} is of snapshot {name!r}"
                    f"{did_you_mean(name, existing)}; there are"
                    f" {', '.join(existing[:LISTED]) or 'none'}{more}"
                )
        old, new = self._chosen(task, snapshots)
        return (
            Side(old, lambda row: row.snapshot_id == old),
            Side(new, lambda row: row.snapshot_id == new),
        )

    def _chosen(self, task: TaskSpec, snapshots: Mapping[str, datetime | None]) -> tuple[str, str]:
        first, second = self.from_snapshot, self.to_snapshot
        others = [item for item in snapshots.items() if item[0] and item[0] not in (first, second)]
        chosen: tuple[str, str] | None
        if first is not None and second is not None:
            chosen = (first, second)
        elif first is not None or second is not None:
            last = latest(others)
            chosen = (first or last, second or last) if last else None
        else:
            chosen = latest_two(others)
        if chosen is None:
            raise ConfigurationError(
                f"all answers of {task.name} that pass are of one snapshot; give --at TIME to"
                " compare images before a time with those after it"
            )
        return chosen
