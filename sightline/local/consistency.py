"""Checks that the local queue and warehouse belong together and are from the same moment.

If one was restored from a copy, its marks show it (``sightline.local.marks``). The warehouse also
stores the identity of its queue, in ``queue.json``; a queue to which nothing was ever published may
replace it, since nothing in it can be paid twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sightline.errors import StorageError
from sightline.local.marks import QueueMarks
from sightline.local.queue import LocalQueue
from sightline.local.warehouse.engine import DuckDbEngine, Session
from sightline.local.warehouse.ledgers import restored, runs_seen
from sightline.local.warehouse.names import mark_of
from sightline.local.warehouse.store import Store, relative_files
from sightline.local.warehouse.views import attach
from sightline.ports.consistency import WORK_LISTS, faults_of_runs, faults_of_tasks
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    LEDGERS,
    RUN_EVENTS,
    RUNS,
    TASK_VERSIONS,
)
from sightline.whole_files import storage_errors, write_json
from sightline.work_lists import tasks_of

USED_WITH = "queue.json"
"""The file, in the warehouse, that names its queue."""

RECHECK = (
    "`sightline enqueue --recheck` continues with it, and looks up every message before anything"
    " is paid"
)


@dataclass(frozen=True, slots=True)
class WarehouseMarks:
    """The warehouse's state: its queue's identity, and the greatest mark of each ledger."""

    queue_id: str | None
    latest: Mapping[str, int]


class LocalConsistency:
    """Compares the warehouse below ``root`` with its queue, or, without one here, with itself."""

    def __init__(self, root: Path, queue: LocalQueue | None, queue_file: Path) -> None:
        self._engine = DuckDbEngine(root)
        self._store = self._engine.store
        self._queue = queue
        self._queue_file = queue_file

    @property
    def notices_restores(self) -> bool:
        """Whether the queue is local too, so that marks can be compared."""
        return self._queue is not None

    async def faults(self, *, thorough: bool) -> list[str]:
        """Return the contradictions, one line each.

        Without ``thorough``, runs and tasks are checked only if there seems to be no run.

        Raises:
            StorageError: a ledger is damaged.
        """
        await asyncio.to_thread(self._check_ledgers)
        faults = []
        if self._queue is not None:
            ours, there = await self._marks(self._queue)
            if (fault := self._between(ours, there)) is not None:
                faults.append(fault)
        if thorough or not await asyncio.to_thread(self._any_run):
            queued = await self._queue.run_ids() if self._queue is not None else frozenset()
            faults += await self._engine.read(lambda session: self._unknown(session, queued))
        return faults

    async def begin(self) -> None:
        """Check for anything that could be paid twice; record queue and warehouse with each other.

        Raises:
            StorageError: a ledger is damaged, or one of the two was restored.
        """
        await asyncio.to_thread(self._check_ledgers)
        if self._queue is None:
            return
        ours, there = await self._marks(self._queue)
        if (fault := self._between(ours, there)) is not None:
            raise StorageError(fault)
        queued = await self._queue.run_ids()
        for line in await self._engine.read(lambda session: self._of_queue(session, queued)):
            raise StorageError(line)
        if ours.unused and max(there.latest.values(), default=0) > ours.latest:
            await self._queue.accept_marks(there.latest)
        await self._know(ours, there)

    async def accept(self) -> int:
        """Accept these two as they are; return how many messages are to be looked up.

        Raises:
            StorageError: a ledger is damaged.
        """
        await asyncio.to_thread(self._check_ledgers)
        if self._queue is None:
            return 0
        ours, there = await self._marks(self._queue)
        count = await self._queue.recheck_all()
        await self._queue.accept_marks(there.latest)
        await self._know(ours, there)
        return count

    async def _know(self, ours: QueueMarks, there: WarehouseMarks) -> None:
        if there.queue_id != ours.queue_id:
            path = self._store.root / USED_WITH
            await asyncio.to_thread(write_json, path, {"queue_id": ours.queue_id})

    async def _marks(self, queue: LocalQueue) -> tuple[QueueMarks, WarehouseMarks]:
        # The queue's marks are read first: what they record is then durable in the warehouse.
        ours = await queue.read_marks()
        there = await asyncio.to_thread(warehouse_marks, self._store)
        if max(there.latest.values(), default=0) > ours.latest:
            now = await queue.read_marks()  # written meanwhile, and by now known to the queue
            ours = replace(ours, latest=now.latest)
        return ours, there

    def _between(self, ours: QueueMarks, there: WarehouseMarks) -> str | None:
        """Return, in a line, which one is older; ``None`` if they fit."""
        for ledger, mark in sorted(ours.durable.items()):
            if mark > there.latest.get(ledger, 0):
                return (
                    f"{self._store.root / ledger} is older than the queue (was a copy restored?):"
                    " answers that were written to it are missing; put the newer warehouse back,"
                    f" or {RECHECK}"
                )
        if ours.unused:
            return None
        if there.queue_id not in {None, ours.queue_id}:
            return (
                f"{self._queue_file} is not the queue that this warehouse was used with; put that"
                f" one back, or {RECHECK}"
            )
        if max(there.latest.values(), default=0) > ours.latest:
            return (
                f"{self._queue_file} is older than the warehouse (was a copy restored?): its"
                f" messages may already be done; put the newer queue back, or {RECHECK}"
            )
        return None

    def _any_run(self) -> bool:
        return bool(self._store.snapshot(RUNS).files)

    def _check_ledgers(self) -> None:
        """Raise StorageError if the files of a ledger and its manifest contradict each other."""
        for ledger in (*LEDGERS, *self._store.embeddings_ledgers()):
            if ledger.partition_by:
                self._store.live_files(ledger)

    def _of_queue(self, session: Session, queued: Collection[str]) -> list[str]:
        """Return the contradictions about the runs and tasks in the queue.

        A message of a run that has no work list either may come from anybody: it is no
        contradiction.
        """
        listed = self._store.work_lists().keys() & queued
        if not listed:
            return []
        attach(session, RUNS, TASK_VERSIONS)
        requests = dict(session.rows("SELECT run_id, request FROM runs_once"))
        requests_listed = [request for run_id, request in requests.items() if run_id in listed]
        return [
            *faults_of_runs(
                {"the queue": listed, WORK_LISTS: listed}, requests, restored(self._store, RUNS)
            ),
            *self._unknown_tasks(session, tasks_of(requests_listed)),
        ]

    def _unknown(self, session: Session, queued: Collection[str]) -> list[str]:
        """Return the runs and tasks in use that are missing from their ledgers.

        ``runs`` and ``task_versions`` are read last: they are written before everything that names
        them.
        """
        seen = {"the queue": {*queued}, WORK_LISTS: {*self._store.work_lists()}}
        seen |= runs_seen(session)
        answered = dict(session.rows("SELECT DISTINCT fingerprint, task FROM classifications"))
        attach(session, RUNS)
        requests = dict(session.rows("SELECT run_id, request FROM runs_once"))
        attach(session, TASK_VERSIONS)
        return [
            *faults_of_runs(seen, requests, restored(self._store, RUNS)),
            *self._unknown_tasks(session, {**tasks_of(requests.values()), **answered}),
        ]

    def _unknown_tasks(self, session: Session, used: Mapping[str, str]) -> list[str]:
        known = {
            fingerprint
            for (fingerprint,) in session.rows("SELECT DISTINCT fingerprint FROM task_versions")
        }
        return faults_of_tasks(used, known, restored(self._store, TASK_VERSIONS))


def warehouse_marks(store: Store) -> WarehouseMarks:
    """Return the warehouse's state.

    Raises:
        StorageError: it cannot be read.
    """
    ledgers = (CLASSIFICATIONS, DEAD_LETTERS, RUN_EVENTS, *store.embeddings_ledgers())
    latest = {}
    for ledger in ledgers:
        folder = store.folder(ledger)
        with storage_errors(folder):
            latest[ledger.name] = max(map(mark_of, relative_files(folder)), default=0)
    return WarehouseMarks(_used_with(store.root / USED_WITH), latest)


def _used_with(path: Path) -> str | None:
    try:
        with storage_errors(path):
            if not path.exists():
                return None
            queue_id = json.loads(path.read_bytes())["queue_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged ({error}); delete it, then try again") from error
    return str(queue_id)
