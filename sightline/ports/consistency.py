"""Whether queue and warehouse belong together; contradictions are reported, not acted on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol


class Consistency(Protocol):
    """Compares a queue with a warehouse, and each with itself.

    ``notices_restores`` is whether ``begin`` detects that one of them was restored from a backup.
    """

    @property
    def notices_restores(self) -> bool:
        """Whether a first delivery that is already settled is always detected."""
        ...

    async def faults(self, *, thorough: bool) -> Sequence[str]:
        """Return the contradictions, one line each, which ends with the next step.

        Without ``thorough``, ledgers are compared row by row only if there seems to be no run.

        Raises:
            StorageError: a ledger is damaged.
        """
        ...

    async def begin(self) -> None:
        """Check, before anything is published or paid for, that nothing was restored in part.

        Raises:
            StorageError: the first fault that could cause a second payment.
        """
        ...

    async def accept(self) -> int:
        """Accept the restored state: every queued message is looked up before it is paid for.

        Return the number of these messages; 0 if messages cannot be changed.
        """
        ...


def faults_of_runs(
    seen: Mapping[str, Collection[str]], known: Collection[str], restore: str
) -> list[str]:
    """Return a line about runs that occur somewhere but not in the ledger ``runs``.

    ``seen`` maps places to run ids. Runs in a work list alone are ignored: a killed producer leaves
    them. ``restore`` says how to bring the ledger back.
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
    """Return a line about fingerprints in use that are not in ``task_versions``.

    ``used`` maps fingerprints to task names.
    """
    unknown = sorted(
        (task, fingerprint) for fingerprint, task in used.items() if fingerprint not in known
    )
    if not unknown:
        return []
    task, fingerprint = unknown[0]
    others = f", and so are {len(unknown) - 1:,} other versions" if len(unknown) > 1 else ""
    line = (
        f"task {task} at {fingerprint[:12]} is requested or answered but not in the ledger"
        f" task_versions{others}; {restore}"
    )
    return [line]


WORK_LISTS = "the work lists"
"""The name of the work lists in messages."""


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
