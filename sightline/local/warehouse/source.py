"""The imported observations, and the runs with their work lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import orjson

from sightline.errors import ConfigurationError, StorageError
from sightline.local.marks import Marks
from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    DuckDbEngine,
    EngineOptions,
    Session,
    quoted,
)
from sightline.local.warehouse.ledgers import restored, runs_seen
from sightline.local.warehouse.listed import listed_rows
from sightline.local.warehouse.locks import is_held, lock_in_turn, lock_now
from sightline.local.warehouse.names import SUFFIX
from sightline.local.warehouse.source_files import LATEST_OF_SOURCE, attach_source
from sightline.local.warehouse.views import attach, attach_embeddings
from sightline.local.warehouse.work_list import (
    BUCKET,
    COUNTED_COLUMNS,
    ITEMS_PLACED,
    OBSERVATIONS_NEW,
    count,
    draw,
    work_list_select,
)
from sightline.model import ListedMessage, Preview, Run, RunRequest, WorkItem, WorkRange
from sightline.ports.consistency import WORK_LISTS, faults_of_runs
from sightline.ports.runs import unknown_run
from sightline.records import range_published
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    OBSERVATIONS,
    RUN_EVENTS,
    RUNS,
    WORK_ITEMS,
)
from sightline.whole_files import storage_errors, write_beside
from sightline.work_lists import (
    ITEM_COLUMNS,
    LISTED_COLUMNS,
    listed_message,
    request_json,
    run_to_completion,
    unpublished_ranges,
    work_item,
)

_LOCATIONS = (
    "SELECT observation_id, gcs_uri FROM source_latest WHERE observation_id IN (SELECT unnest(?))"
)
_TO_PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192)"


class LocalSource:
    """The observations in ``source`` (a folder of Parquet files), and the runs below ``root``.

    Of several rows of an observation, the last imported one counts. ``buckets`` and ``range_items``
    divide the work lists of new runs. ``marks`` are those of this process's queue.
    """

    def __init__(
        self,
        root: Path,
        source: Path,
        *,
        buckets: int = 16,
        range_items: int = 1000,
        options: EngineOptions = DEFAULT_OPTIONS,
        marks: Marks | None = None,
    ) -> None:
        self._marks = marks or Marks()
        self._source = source.absolute()
        self._engine = DuckDbEngine(root, options, reads=(self._source,))
        self._store = self._engine.store
        self._buckets = buckets
        self._range_items = range_items

    async def preview(self, request: RunRequest) -> Preview:
        """Count what a run of this request would contain; write nothing.

        ``observations`` and ``by_asset_type`` count the matches of the filter without its limit.

        Raises:
            ConfigurationError: the filter is invalid.
            StorageError: a file is invalid.
        """

        def work(session: Session) -> Preview:
            self._attach(session)
            draw(session, request, columns=COUNTED_COLUMNS)
            return count(session)

        return await self._engine.read(work)

    async def open_run(self, request: RunRequest, *, run_id: str, now: datetime) -> Run:
        """Write the run, its observations and its work list, with the run's own row last.

        That row makes the run exist: if killed before it, readers see nothing of the run, and the
        next ``open_run`` removes its files. Producers take turns with a lock, so that the parts in
        one list count as held when the next list is drawn.

        Raises:
            ConfigurationError: the filter is invalid, or the run already exists.
            StorageError: the disk is full, or a file is invalid.
        """
        async with lock_in_turn(self._store.root / ".enqueue.lock"):
            return await run_to_completion(
                self._engine.read(lambda session: self._open(session, request, run_id, now))
            )

    def _open(self, session: Session, request: RunRequest, run_id: str, now: datetime) -> Run:
        attach(session, RUNS)
        self._clear_leftovers(session, run_id)
        self._attach(session)
        attach(session, OBSERVATIONS)
        draw(session, request, columns="*")
        session.sql(ITEMS_PLACED, (self._buckets,))
        messages, parts = session.rows("SELECT count(*), sum(bit_count(mask)) FROM to_do")[0]
        text = request_json(request, buckets=self._buckets, range_items=self._range_items)
        if not messages:
            return Run(run_id, now, "published", 0, 0, text)
        select = work_list_select(request, run_id)
        for (bucket,) in session.rows("SELECT DISTINCT bucket FROM placed ORDER BY bucket"):
            session.sql(BUCKET, (bucket,))
            _copy(session, select, self._store.work_list(run_id, bucket))
        observations = OBSERVATIONS_NEW.format(
            run_id=quoted(run_id), now_us=round(now.timestamp() * 1_000_000)
        )
        if session.number(f"SELECT count(*) FROM ({observations})"):  # noqa: S608 - quoted above
            _copy(session, observations, self._observations_file(run_id, now))
        row = {
            "run_id": run_id,
            "request": text,
            "messages": messages,
            "parts": int(parts),
            "created_at": now,
        }
        self._store.append_rows([row], RUNS)
        return Run(run_id, now, "open", messages, int(parts), text)

    def _attach(self, session: Session) -> None:
        # Runs before results: a part that is written in between is held by its run, or, if that
        # was already cancelled, is found written.
        attach(session, RUNS, RUN_EVENTS, WORK_ITEMS, DEAD_LETTERS, CLASSIFICATIONS)
        attach_embeddings(session)
        attach_source(session, self._source)

    def _observations_file(self, run_id: str, now: datetime) -> Path:
        day = f"date={now.astimezone(UTC).date()}"
        return self._store.folder(OBSERVATIONS) / day / f"run-{quote(run_id, safe='')}{SUFFIX}"

    def _clear_leftovers(self, session: Session, run_id: str) -> None:
        """Remove what killed producers left. Requires the lock: no other run is being opened."""
        known = {name for (name,) in session.rows("SELECT run_id FROM runs")}
        if run_id in known:
            raise ConfigurationError(f"run {run_id} already exists; resume it, or omit its id")
        lists = self._store.work_lists()
        if not known >= lists.keys():
            # A run with rows in other ledgers has lost its own row: its list is not removed.
            seen = {WORK_LISTS: lists.keys() - known, **runs_seen(session)}
            for fault in faults_of_runs(seen, known, restored(self._store, RUNS)):
                raise StorageError(fault)
        with storage_errors(self._store.root):
            for name, folder in lists.items():
                if name not in known:
                    for path in folder.iterdir():
                        path.unlink()
                    folder.rmdir()
            for path in self._store.folder(OBSERVATIONS).glob(f"*/run-*{SUFFIX}"):
                if unquote(path.name.removeprefix("run-").removesuffix(SUFFIX)) not in known:
                    path.unlink()

    async def unpublished(self, run_id: str) -> Sequence[WorkRange]:
        """Return, in order, the ranges of a run's list that are not known to be published.

        They are those from when the run was opened, whatever the settings are now, so that a range
        keeps its key.

        Raises:
            NotFoundError: there is no such run.
        """

        def work(session: Session) -> list[WorkRange]:
            attach(session, RUNS, RUN_EVENTS)
            request = self._request_of(session, run_id)
            published = session.rows(
                "SELECT bucket, start, stop FROM ranges_published WHERE run_id = ?", (run_id,)
            )
            sizes = self._store.bucket_sizes(run_id).items()
            return unpublished_ranges(run_id, sizes, published, request["range_items"])

        return await self._engine.read(work)

    def _request_of(self, session: Session, run_id: str) -> dict[str, Any]:
        rows = session.rows("SELECT request FROM runs_once WHERE run_id = ?", (run_id,))
        if not rows:
            raise unknown_run(run_id)
        request: dict[str, Any] = orjson.loads(rows[0][0])
        return request

    async def items(self, work_range: WorkRange) -> Sequence[WorkItem]:
        """Return the items of a range, in order.

        Raises:
            NotFoundError: there is no such run.
        """
        rows = await self._listed(work_range, ITEM_COLUMNS)
        return [work_item(work_range.run_id, row) for row in rows]

    async def messages(self, work_range: WorkRange) -> Sequence[ListedMessage]:
        """Return the messages of a range, in order; raises as ``items`` does."""
        rows = await self._listed(work_range, LISTED_COLUMNS)
        return [listed_message(work_range.run_id, row) for row in rows]

    async def _listed(self, work_range: WorkRange, columns: str) -> Iterable[Any]:
        path = self._store.work_list(work_range.run_id, work_range.bucket)
        if not path.exists():
            raise unknown_run(work_range.run_id)
        return await asyncio.to_thread(
            listed_rows, path, columns.split(", "), start=work_range.start, stop=work_range.stop
        )

    async def mark_published(self, work_range: WorkRange, *, now: datetime) -> None:
        """Record that a range is published; the last one makes the run's state ``published``."""
        row = range_published(work_range, now)
        mark = self._marks.latest
        await asyncio.to_thread(self._store.append_rows, [row], RUN_EVENTS, mark=mark)
        self._marks.wrote(RUN_EVENTS.name, mark)

    @asynccontextmanager
    async def claim(self, run_id: str) -> AsyncIterator[None]:
        """Lock a run for publishing, so that only one producer at a time publishes it.

        Raises:
            BusyError: another live process holds the lock.
            NotFoundError: there is no such run.
        """

        def known(session: Session) -> None:
            attach(session, RUNS)
            self._request_of(session, run_id)

        await self._engine.read(known)
        path = self._store.root / "runs" / f"{quote(run_id, safe='')}.lock"
        busy = f"run {run_id} is being published by another process; wait for it"
        with lock_now(path, busy):
            async with lock_in_turn(self._seen_lock(run_id)):
                yield

    async def locations(self, observation_ids: Sequence[str]) -> Mapping[str, str]:
        """Return where the images of these observations were when they were last imported.

        Raises:
            StorageError: a file is invalid.
        """

        def work(session: Session) -> Mapping[str, str]:
            attach_source(session, self._source)
            session.sql(LATEST_OF_SOURCE)
            return dict(session.rows(_LOCATIONS, (list(observation_ids),)))

        return await self._engine.read(work)

    async def published_now(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs a live process is publishing; does not wait for it.

        Raises:
            StorageError: a lock file cannot be read.
        """

        def look() -> frozenset[str]:
            return frozenset(run_id for run_id in run_ids if is_held(self._seen_lock(run_id)))

        return await asyncio.to_thread(look)

    def _seen_lock(self, run_id: str) -> Path:
        """Return the publisher's second lock: testing the first one could make its holder fail."""
        return self._store.root / "runs" / f"{quote(run_id, safe='')}.seen.lock"


def _copy(session: Session, select: str, path: Path) -> None:
    def fill(temporary: Path) -> None:
        session.sql(f"COPY ({select}) TO {quoted(str(temporary))} {_TO_PARQUET}")

    write_beside(path, fill)
