"""The synchronous API of a project: the asynchronous one, in the event loop of its own thread."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

from anyio.from_thread import BlockingPortal, start_blocking_portal

from producer.estimate import Estimate
from sightline.local.importing import ImportReport
from sightline.operations.changes import Changes
from sightline.operations.comparison import Comparison
from sightline.operations.consolidate import Consolidation
from sightline.operations.duplicates import Duplicates, Places
from sightline.operations.export import ExportedExamples, ExportedTable
from sightline.operations.outliers import Outliers
from sightline.operations.stats import AnswerCounts, TasksOverview
from sightline.operations.status import Status
from sightline.ports import DeadLetterRow
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.workspace.asynchronous import AsyncWorkspace
from sightline.workspace.filters import Where
from sightline.workspace.hits import Hits
from sightline.workspace.runs import Run, WorkSummary
from sightline.workspace.table_keywords import TableKeywords
from sightline.workspace.tables import Table

Result = TypeVar("Result")


class Workspace:
    """A synchronous counterpart of ``AsyncWorkspace``; it also works inside a running event loop.

    Methods that read take the same filters, ``where``: see ``Where``.
    """

    def __init__(self, settings: Settings, progress: Progress, *, config: Path) -> None:
        """``config`` is the path of the settings file, which need not exist."""
        self._workspace = AsyncWorkspace(settings, progress, config=config)
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close everything that is open, and end the thread; the workspace can be used again."""
        if self._portal is not None:
            atexit.unregister(self.close)
            try:
                self._portal.call(self._workspace.close)
            finally:
                self._portal = None
                self._stack.close()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._workspace.settings

    @property
    def tasks(self) -> Mapping[str, TaskSpec]:
        """The available tasks, shipped ones and the project's own, by name."""
        return self._workspace.tasks

    def _wait(self, operation: Callable[[], Coroutine[None, None, Result]]) -> Result:
        if self._portal is None:
            self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
            atexit.register(self.close)  # without a close by the caller, the process must still end
        future = self._portal.start_task_soon(operation)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            with suppress(CancelledError):
                future.result()  # ends in order, unless interrupted again
            raise

    def add_task(self, file: str | Path) -> TaskSpec:
        """Copy a task file into the project, in the folder of its ``tasks_dir`` setting.

        Without that setting, the folder ``tasks`` is created beside the settings file, which then
        names it.
        """
        return self._wait(lambda: self._workspace.add_task(file))

    def import_images(
        self,
        source: str | Path,
        *,
        asset_type: str | None = None,
        new_type: bool = False,
        allowed_roots: Sequence[str | Path] = (),
        **table: Unpack[TableKeywords],
    ) -> ImportReport:
        """Import a folder of photographs, or a table, as observations.

        ``asset_type`` applies where neither a folder's name nor a column gives one; a type that no
        task covers has to be a ``new_type``. For a table, ``columns`` maps our names to its own,
        and ``crs``, ``decimal`` and ``date_format`` describe its coordinates, numbers and times.
        Images may also be read from ``allowed_roots``.
        """
        return self._wait(
            lambda: self._workspace.import_images(
                source,
                asset_type=asset_type,
                new_type=new_type,
                allowed_roots=allowed_roots,
                **table,
            )
        )

    def estimate(
        self,
        tasks: str | Sequence[str] = (),
        *,
        embed: bool = True,
        embed_only: bool = False,
        limit: int | None = None,
        **where: Unpack[Where],
    ) -> Estimate:
        """Return what a run would do and cost; nothing is written or paid for."""
        return self._wait(
            lambda: self._workspace.estimate(
                tasks, embed=embed, embed_only=embed_only, limit=limit, **where
            )
        )

    def enqueue(
        self,
        tasks: str | Sequence[str] = (),
        *,
        embed: bool = True,
        embed_only: bool = False,
        limit: int | None = None,
        max_cost_usd: float | None = None,
        max_images: int | None = None,
        **where: Unpack[Where],
    ) -> Run:
        """Publish the parts without a result: answers to tasks (all), and with ``embed`` vectors.

        With ``embed_only``, no task is asked. ``max_cost_usd`` and ``max_images`` are the run's
        budget.
        """
        return self._wait(
            lambda: self._workspace.enqueue(
                tasks,
                embed=embed,
                embed_only=embed_only,
                limit=limit,
                max_cost_usd=max_cost_usd,
                max_images=max_images,
                **where,
            )
        )

    def work(self) -> WorkSummary:
        """Process the queue, in this process, until it is empty; return what was done.

        If it is interrupted (Ctrl-C, a notebook's stop button), unfinished messages return to the
        queue. On an engine without workers (``bigquery``, ``batch``) statements or batch jobs call
        the models, which may take hours; if this call is interrupted, the next one continues with
        those in progress.

        Raises:
            BudgetError: the budget of a run is reached; the rest of it is not done.
        """
        return self._wait(self._workspace.work)

    def status(self, run_id: str | None = None, *, check: bool = False) -> Status:
        """Return the state of every part of every run, or of one; ``check`` reads every ledger."""
        return self._wait(lambda: self._workspace.status(run_id, check=check))

    def dead_letters(
        self, reason: str | None = None, run_id: str | None = None, *, limit: int = 50
    ) -> Sequence[DeadLetterRow]:
        """Return the first dead letters, oldest first."""
        return self._wait(lambda: self._workspace.dead_letters(reason, run_id, limit=limit))

    def replay(self, reason: str | None = None, run_id: str | None = None) -> int:
        """Publish dead letters again, each with only its failed part; return how many."""
        return self._wait(lambda: self._workspace.replay(reason, run_id))

    def search(
        self,
        text: str | None = None,
        *,
        image: str | Path | None = None,
        top: int = 10,
        answers: Mapping[str, object] | None = None,
        **where: Unpack[Where],
    ) -> Hits:
        """Return the images most similar to words or an image, or the newest that pass.

        ``answers`` are such as ``{"road_signs.condition": "faded"}``.
        """
        return self._wait(
            lambda: self._workspace.search(text, image=image, top=top, answers=answers, **where)
        )

    def similar(
        self,
        what: str | Path,
        *,
        top: int = 10,
        answers: Mapping[str, object] | None = None,
        **where: Unpack[Where],
    ) -> Hits:
        """Return the images most similar to an image file or an observation, itself left out."""
        return self._wait(lambda: self._workspace.similar(what, top=top, answers=answers, **where))

    def answers(self, task: str | None = None, **where: Unpack[Where]) -> Table:
        """Return the current answers of a task: one row per subject, one column per field."""
        return self._wait(lambda: self._workspace.answers(task, **where))

    def embeddings(self, **where: Unpack[Where]) -> Table:
        """Return the vectors of the configured model: one row per image."""
        return self._wait(lambda: self._workspace.embeddings(**where))

    def sql(self, query: str) -> Table:
        """Return the result of one SELECT over the ledgers and their views; nothing is written."""
        return self._wait(lambda: self._workspace.sql(query))

    def stats(self, task: str | None = None, **where: Unpack[Where]) -> TasksOverview:
        """Return statistics of the current answers of a task, or of each task."""
        return self._wait(lambda: self._workspace.stats(task, **where))

    def count_answers(
        self,
        task: str | None,
        by: str,
        across: str | None = None,
        *,
        cell: float = 0.01,
        bin_width: float | None = None,
        **where: Unpack[Where],
    ) -> AnswerCounts:
        """Count answers by a field of the task, ``asset_type``, ``month`` or ``cell``."""
        return self._wait(
            lambda: self._workspace.count_answers(
                task, by, across, cell=cell, bin_width=bin_width, **where
            )
        )

    def consolidate(
        self,
        task: str | None = None,
        *,
        fields: str | Sequence[str] = (),
        confidence: str | None = None,
        half_life_days: float = 365.0,
        out: str | Path | None = None,
        force: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Consolidation:
        """Derive one answer per asset from the answers about its images."""
        return self._wait(
            lambda: self._workspace.consolidate(
                task,
                fields=fields,
                confidence=confidence,
                half_life_days=half_life_days,
                out=out,
                force=force,
                top=top,
                **where,
            )
        )

    def outliers(
        self,
        task: str | None = None,
        *,
        fields: str | Sequence[str] = (),
        neighbours: int = 10,
        at_least: float = 0.5,
        top: int = 20,
        html: str | Path | None = None,
        force: bool = False,
        **where: Unpack[Where],
    ) -> Outliers:
        """Find answers that those about the most similar images contradict.

        ``html`` is a file for a page with the images.
        """
        return self._wait(
            lambda: self._workspace.outliers(
                task,
                fields=fields,
                neighbours=neighbours,
                at_least=at_least,
                top=top,
                html=html,
                force=force,
                **where,
            )
        )

    def duplicates(
        self,
        *,
        at_least: float = 0.98,
        within_asset: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Duplicates:
        """Group near-duplicate images."""
        return self._wait(
            lambda: self._workspace.duplicates(
                at_least=at_least, within_asset=within_asset, top=top, **where
            )
        )

    def places(
        self,
        *,
        at_least: float = 0.98,
        metres: float | None = None,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Places:
        """Group the different images of one asset, or of assets within this distance."""
        return self._wait(
            lambda: self._workspace.places(at_least=at_least, metres=metres, top=top, **where)
        )

    def changes(
        self,
        task: str | None = None,
        *,
        comparison: Comparison | None = None,
        fields: str | Sequence[str] = (),
        tolerance: float = 0.0,
        out: str | Path | None = None,
        force: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Changes:
        """Compare assets between two snapshots, or before and after a time."""
        return self._wait(
            lambda: self._workspace.changes(
                task,
                comparison=comparison,
                fields=fields,
                tolerance=tolerance,
                out=out,
                force=force,
                top=top,
                **where,
            )
        )

    def export(
        self,
        file: str | Path,
        *,
        task: str | None = None,
        format_: str | None = None,
        force: bool = False,
        **where: Unpack[Where],
    ) -> ExportedTable | ExportedExamples:
        """Write the current answers of a task: a table, a map, or examples for tuning a model."""
        return self._wait(
            lambda: self._workspace.export(file, task=task, format_=format_, force=force, **where)
        )
