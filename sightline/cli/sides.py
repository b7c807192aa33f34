"""The two sides of a comparison: which snapshots or times are meant, and what is on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightline.ports import AnswerRow
    from sightline.tasks import TaskSpec

Side = Callable[["AnswerRow"], bool]
LISTED = 20
"""Snapshots that an error names."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is to be compared: two snapshots, or the times before and from a moment."""

    first: str | None
    second: str | None
    moment: datetime | None

    @classmethod
    def parse(cls, first: str | None, second: str | None, at: str | None) -> Sides:
        """Return what the options say.

        Raises:
            ConfigurationError: they contradict each other, or the time is none.
        """
        from producer.filters import parse_time
        from sightline.errors import ConfigurationError

        moment = parse_time(at, "--at")
        if moment is not None and (first or second):
            raise ConfigurationError(
                "--at compares times, not snapshots; leave one or the other out"
            )
        if first is not None and first == second:
            raise ConfigurationError(
                f"--from-snapshot and --to-snapshot are both {second}; give two different ones"
            )
        return cls(first, second, moment)


def chosen_sides(
    task: TaskSpec, snapshots: Mapping[str, datetime | None], asked: Sides
) -> tuple[str, str, Side, Side]:
    """Return what both sides are called, and which answers are on them.

    Raises:
        NotFoundError: there is no such snapshot.
        ConfigurationError: it takes two snapshots, and there is one.
    """
    from sightline.analysis.changes import latest, latest_two
    from sightline.errors import ConfigurationError, NotFoundError

    first, second, moment = asked.first, asked.second, asked.moment
    if moment is not None:
        return (
            f"before {moment.isoformat()}",
            f"from {moment.isoformat()}",
            lambda row: row.capture_time is not None and row.capture_time < moment,
            lambda row: row.capture_time is not None and row.capture_time >= moment,
        )
    for name in (first, second):
        if name is not None and name not in snapshots:
            there = sorted(one for one in snapshots if one)
            more = ", ..." if len(there) > LISTED else ""
            raise NotFoundError(
                f"no answer of {task.name} is of snapshot {name!r}; there are"
                f" {', '.join(there[:LISTED]) or 'none'}{more}"
            )
    others = [one for one in snapshots.items() if one[0] and one[0] not in (first, second)]
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
            f"all answers of {task.name} that pass are of one snapshot; give --at TIME to compare"
            " images before a time with those after it"
        )
    old, new = chosen
    return old, new, lambda row: row.snapshot_id == old, lambda row: row.snapshot_id == new
