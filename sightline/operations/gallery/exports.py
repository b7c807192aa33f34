"""Exports in the background: a few at once, each in a thread, its files in a folder of its own."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from sightline.errors import BusyError, NotFoundError, SightlineError
from sightline.export import ExportFormat
from sightline.operations.export import export, export_paths
from sightline.operations.gallery.browsing import page
from sightline.ports import Selection, Warehouse
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.whole_files import make_directory, storage_errors
from sightline.wiring.engine import open_warehouse
from sightline.wiring.ids import new_id, utc_now

AT_ONCE = 2
MOST_WAITING = 8
IDS_AT_ONCE = 1_000
MOST_KEPT = 20
"""The oldest finished export is removed when there are more."""

ExportState = Literal["running", "done", "failed"]
logger = logging.getLogger(__name__)

SUFFIXES = {
    ExportFormat.PARQUET: ".parquet",
    ExportFormat.GEOPARQUET: ".geoparquet",
    ExportFormat.GEOJSON: ".geojson",
    ExportFormat.GPKG: ".gpkg",
    ExportFormat.CSV: ".csv",
    ExportFormat.TUNING: ".zip",
}
"""The suffix of the file of each format; examples for tuning are two files."""


class _CancelledExportError(Exception):
    """The export was cancelled while it was running."""


@dataclass(kw_only=True)
class ExportJob:
    """An export: its progress in answers, and then its file or the reason of its failure."""

    id: str
    format: ExportFormat
    task: str | None
    by: str
    at: datetime
    state: ExportState = "running"
    done: int = 0
    total: int | None = None
    error: str = ""
    file: Path | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


class Exports:
    """The exports of this process; they are removed when it ends, or later if it was killed."""

    def __init__(self, settings: Settings, folder: Path, threads: ThreadPoolExecutor) -> None:
        self._settings = settings
        self._folder = folder
        self._threads = threads
        self._jobs: dict[str, ExportJob] = {}

    def start(
        self, selection: Selection, format_: ExportFormat, task: str | None, by: str
    ) -> ExportJob:
        """Begin the export of the current answers of a task about selected images.

        Raises:
            BusyError: too many exports wait already.
        """
        running = sum(job.state == "running" for job in self._jobs.values())
        if running >= AT_ONCE + MOST_WAITING:
            raise BusyError("too many exports are running; wait for one, or stop one")
        job = ExportJob(id=new_id(), format=format_, task=task, by=by, at=utc_now())
        self._jobs[job.id] = job
        self._threads.submit(self._run, job, selection)
        self._forget_oldest()
        return job

    def all(self) -> Sequence[ExportJob]:
        """Return the exports, the newest first."""
        return sorted(self._jobs.values(), key=lambda job: job.at, reverse=True)

    def get(self, export_id: str) -> ExportJob:
        """Return an export.

        Raises:
            NotFoundError: there is no such export.
        """
        if (job := self._jobs.get(export_id)) is None:
            raise NotFoundError("there is no such export; load the list again")
        return job

    def remove(self, export_id: str) -> None:
        """Stop an export, or remove a finished one; raises as ``get`` does."""
        job = self.get(export_id)
        del self._jobs[export_id]
        job.cancelled.set()
        if job.state != "running":  # else its thread removes the files
            shutil.rmtree(self._folder / job.id, ignore_errors=True)

    def cancel_all(self) -> None:
        """Stop all exports."""
        for job in self._jobs.values():
            job.cancelled.set()

    def _forget_oldest(self) -> None:
        finished = [job for job in self.all() if job.state != "running"]
        for job in finished[MOST_KEPT:]:
            self.remove(job.id)

    def _run(self, job: ExportJob, selection: Selection) -> None:
        folder = self._folder / job.id
        try:
            job.file = asyncio.run(self._export(job, selection, folder))
            job.state = "done"
        except _CancelledExportError:
            job.error, job.state = "it was stopped; export again", "failed"
        except SightlineError as error:
            job.error, job.state = str(error), "failed"
        except Exception as error:
            logger.exception("an export failed")
            job.error = f"internal error: {type(error).__name__}; report what the terminal shows"
            job.state = "failed"
        if job.cancelled.is_set() or job.state == "failed":
            shutil.rmtree(folder, ignore_errors=True)

    async def _export(self, job: ExportJob, selection: Selection, folder: Path) -> Path:
        if job.cancelled.is_set():
            raise _CancelledExportError
        with storage_errors(folder):
            make_directory(folder)
        name = job.task or "answers"
        is_tuning = job.format is ExportFormat.TUNING
        target = folder / (f"{name}.jsonl" if is_tuning else name + SUFFIXES[job.format])
        async with open_warehouse(self._settings) as warehouse:
            subjects = await _selected_subjects(warehouse, job, selection)
            await export(
                warehouse,
                target,
                task=job.task,
                format_=job.format,
                which=selection.filter,
                keep=None if subjects is None else lambda row: row.subject_id in subjects,
                progress=_reporting(job),
            )
        return (
            _zipped(folder / f"{name}.zip", export_paths(target, job.format))
            if is_tuning
            else target
        )


async def _selected_subjects(
    warehouse: Warehouse, job: ExportJob, selection: Selection
) -> frozenset[str] | None:
    """Return the ids of the selected images and of their assets, which answers may be about.

    ``None`` if the filter alone selects the answers.
    """
    if not selection.facets and selection.ids is None:
        return None
    ids: set[str] = set()
    key = None
    while True:
        if job.cancelled.is_set():
            raise _CancelledExportError
        images = await page(warehouse, selection, after=key, size=IDS_AT_ONCE)
        ids.update(image.observation.observation_id for image in images.images)
        ids.update(image.observation.asset_id for image in images.images)
        key = images.following
        if key is None:
            return frozenset(ids)


def _reporting(job: ExportJob) -> Progress:
    @contextmanager
    def progress(_label: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
        def update(done: int, new_total: int | None) -> None:
            if job.cancelled.is_set():
                raise _CancelledExportError
            job.done, job.total = done, new_total or job.total

        job.total = total
        yield update

    return progress


def _zipped(path: Path, files: Sequence[Path]) -> Path:
    """Return an archive of files, which are then removed."""
    with storage_errors(path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.name)
        for file in files:
            file.unlink()
    return path


@contextmanager
def open_exports(settings: Settings) -> Iterator[Exports]:
    """Open the exports of this process; removes those of processes that were killed.

    Raises:
        StorageError: the home cannot be written.
    """
    root = settings.home / "gallery" / "exports"
    folder = root / new_id()
    with storage_errors(folder):
        make_directory(folder)
        lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _remove_abandoned(root)
    threads = ThreadPoolExecutor(AT_ONCE, "exports")
    exports = Exports(settings, folder, threads)
    try:
        yield exports
    finally:
        exports.cancel_all()
        threads.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_abandoned(root: Path) -> None:
    """Remove the folders whose process does not hold their lock any more."""
    for folder in root.iterdir():
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
