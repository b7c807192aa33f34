"""Whether queue and warehouse belong together: what contradicts itself is named, not acted on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol


class Consistency(Protocol):
    """A queue and a warehouse, compared with each other and each with itself.

    ``notices_restores`` is whether a restored half is noticed by ``begin``.
    """

    @property
    def notices_restores(self) -> bool:
        """Whether a first delivery that was settled already cannot go unnoticed."""
        ...

    async def faults(self, *, thorough: bool) -> Sequence[str]:
        """Return what contradicts itself, one line each, which ends with the next step.

        Without ``thorough``, ledgers are not compared row by row, unless there seems to be no run.

        Raises:
            StorageError: a ledger is damaged.
        """
        ...

    async def begin(self) -> None:
        """Check, before anything is published or paid for, that nothing was restored in part.

        Raises:
            StorageError: the first fault that could have something paid twice.
        """
        ...

    async def accept(self) -> int:
        """Go on with what was restored: every queued message is looked up before it is paid.

        Return how many messages that are. Where messages cannot be changed there are none.
        """
        ...


def faults_of_runs(
    seen: Mapping[str, Collection[str]], known: Collection[str], restore: str
) -> list[str]:
    """Return a line for the runs that are seen somewhere and are not in the ledger ``runs``.

    ``seen`` are run ids by where they are seen. A work list alone is what a killed producer leaves:
    it says nothing. ``restore`` is what brings the ledger back.
    """
    places: dict[str, list[str]] = {}
    for place, run_ids in seen.items():
        for run_id in run_ids:
            if run_id and run_id not in known:
                places.setdefault(run_id, []).append(place)
    unknown = {run_id: where for run_id, where in places.items() if where != [WORK_LISTS]}
    if not unknown:
        return []
    first = min(unknown)
    others = f", and so are {len(unknown) - 1:,} other runs" if len(unknown) > 1 else ""
    return [
        f"run {first} is in {_listed(unknown[first])} but not in the ledger runs{others}; {restore}"
    ]


def faults_of_tasks(used: Mapping[str, str], known: Collection[str], restore: str) -> list[str]:
    """Return a line for the fingerprints that are used and are not in ``task_versions``.

    ``used`` are the names of tasks by fingerprint.
    """
    unknown = sorted(
        (task, fingerprint) for fingerprint, task in used.items() if fingerprint not in known
    )
    if not unknown:
        return []
    task, fingerprint = unknown[0]
    others = f", and so are {len(unknown) - 1:,} other versions" if len(unknown) > 1 else ""
    line = (
        f"task {task} at {fingerprint[:12]} is asked for or answered but not in the ledger"
        f" task_versions{others}; {restore}"
    )
    return [line]


WORK_LISTS = "the work lists"
"""What the work lists are called in a line."""


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
