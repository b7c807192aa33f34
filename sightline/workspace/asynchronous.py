"""A project behind coroutines: every operation, on whatever engine the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from producer.estimate import Estimate
from producer.run_budget_editor import read_limits
from sightline.errors import NotFoundError
from sightline.local.importing import ImportReport
from sightline.operations import changes as changes_operation
from sightline.operations import consolidate as consolidate_operation
from sightline.operations import dead_letters as dead_letters_operation
from sightline.operations import duplicates as duplicates_operation
from sightline.operations import enqueue as enqueue_operation
from sightline.operations import estimate as estimate_operation
from sightline.operations import export as export_operation
from sightline.operations import outliers as outliers_operation
from sightline.operations import search as search_operation
from sightline.operations import sql as sql_operation
from sightline.operations import stats as stats_operation
from sightline.operations import status as status_operation
from sightline.operations import work as work_operation
from sightline.operations.changes import Changes
from sightline.operations.comparison import Comparison
from sightline.operations.consolidate import Consolidation
from sightline.operations.duplicates import Duplicates, Places
from sightline.operations.export import ExportedExamples, ExportedTable
from sightline.operations.images import read_image
from sightline.operations.importing import import_files
from sightline.operations.outliers import Outliers
from sightline.operations.requests import TaskRequest, task_request
from sightline.operations.search import SearchResult as FoundHits
from sightline.operations.stats import AnswerCounts, TasksOverview
from sightline.operations.status import Status
from sightline.operations.tables import answers_table, embeddings_table
from sightline.operations.tasks import add_task
from sightline.ports import DeadLetterRow, Warehouse
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring import known_tasks, new_worker_id, open_engine, open_warehouse
from sightline.workspace.filters import Where, answers_of, filter_of
from sightline.workspace.held_open import HeldOpen
from sightline.workspace.hits import Hits
from sightline.workspace.runs import Run
from sightline.workspace.tables import Table
from worker.main import Summary
from worker.stopping.signals import StopRequest


class AsyncWorkspace:
    """A project; methods that read take the same filters, ``where``: see ``Where``.

    Every method raises the errors of ``sightline.errors``; reading where there is no project
    raises ``NotFoundError``.
    """

    def __init__(self, settings: Settings, progress: Progress, *, config: Path) -> None:
        """``config`` is the settings file, or where it would be."""
        self.settings = settings
        self._config = config
        self._progress = progress
        self._warehouse = HeldOpen(lambda: open_warehouse(self.settings))
        self._engine = HeldOpen(lambda: open_engine(self.settings))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what is open; the workspace may be used again."""
        await self._engine.close()
        await self._warehouse.close()

    @property
    def tasks(self) -> Mapping[str, TaskSpec]:
        """The tasks there are, shipped ones and the project's own, by name."""
        return known_tasks(self.settings)

    async def add_task(self, file: str | Path) -> TaskSpec:
        """Copy a task file into the project, in the folder of its ``tasks_dir`` setting.

        Without one, the folder ``tasks`` is made beside the settings file, which then names it.
        """
        added = await asyncio.to_thread(add_task, self.settings, Path(file), config=self._config)
        await self.close()  # what is open has the settings of before
        self.settings = replace(self.settings, tasks_dir=added.tasks_dir)
        return added.task

    async def import_images(
        self,
        source: str | Path,
        *,
        asset_type: str | None = None,
        columns: Mapping[str, str] | None = None,
        allowed_roots: Sequence[str | Path] = (),
    ) -> ImportReport:
        """Make observations of a folder of photographs, or of a CSV or Parquet table.

        ``asset_type`` is what is seen where no folder's name and no column says it; ``columns``
        maps our names to the table's own; images may be read from ``allowed_roots``, too.
        """
        return await asyncio.to_thread(
            import_files,
            self.settings,
            Path(source),
            asset_type=asset_type,
            columns=columns,
            allowed_roots=[Path(folder) for folder in allowed_roots],
            progress=self._progress,
        )

    async def estimate(
        self,
        tasks: Sequence[str] = (),
        *,
        embed: bool = True,
        limit: int | None = None,
        **where: Unpack[Where],
    ) -> Estimate:
        """Return what a run would do and cost; nothing is written or paid."""
        request = self._request(tasks, embed=embed, limit=limit, where=where)
        return await estimate_operation.estimate(await self._reading(), request)

    async def enqueue(
        self,
        tasks: Sequence[str] = (),
        *,
        embed: bool = True,
        limit: int | None = None,
        max_cost_usd: float | None = None,
        max_images: int | None = None,
        **where: Unpack[Where],
    ) -> Run:
        """Publish what is not known yet: the answers to tasks (all), and with ``embed`` vectors.

        ``max_cost_usd`` and ``max_images`` are the run's budget.
        """
        request = self._request(tasks, embed=embed, limit=limit, where=where)
        cost = await estimate_operation.estimate(await self._reading(), request)
        run = await enqueue_operation.enqueue(
            await self._engine.get(),
            request,
            limits=read_limits(max_cost_usd, max_images),
            progress=self._progress,
        )
        return Run(
            run.run_id,
            run.messages,
            run.parts,
            cost.cost_usd_micros / 1e6 if run.run_id else 0.0,
            run.nothing_to_do,
        )

    async def work(self) -> Summary:
        """Work off what is queued, in this process, until nothing is left; return what was done.

        Cancelling it gives back what was not done. With an engine without workers (``bigquery``,
        ``batch``) use ``sightline work``.
        """
        self._must_exist()
        stopping = StopRequest()
        working = asyncio.ensure_future(
            work_operation.work(
                self.settings,
                worker_id=new_worker_id(),
                drain=True,
                progress=self._progress,
                stopping=stopping,
            )
        )
        try:
            return (await asyncio.shield(working)).summary
        except asyncio.CancelledError:
            stopping.request()
            await working  # calls under way end within the grace period; the rest is given back
            raise

    async def status(self, run_id: str | None = None, *, check: bool = False) -> Status:
        """Return where every part of every run is, or of one; ``check`` reads every ledger."""
        self._must_exist()
        return await status_operation.status(await self._engine.get(), run_id, check=check)

    async def dead_letters(
        self, reason: str | None = None, run_id: str | None = None, *, limit: int = 50
    ) -> Sequence[DeadLetterRow]:
        """Return the first dead letters, the oldest first."""
        which = dead_letters_operation.dead_letter_filter(reason, run_id)
        warehouse = await self._reading()
        return (await dead_letters_operation.list_dead_letters(warehouse, which, limit=limit)).rows

    async def replay(self, reason: str | None = None, run_id: str | None = None) -> int:
        """Publish dead letters again, each with its failed part alone; return how many."""
        self._must_exist()
        which = dead_letters_operation.dead_letter_filter(reason, run_id)
        replay = await dead_letters_operation.replay(await self._engine.get(), which)
        return replay.replayed

    async def search(
        self,
        text: str | None = None,
        *,
        image: str | Path | None = None,
        top: int = 10,
        answers: Mapping[str, object] | None = None,
        **where: Unpack[Where],
    ) -> Hits:
        """Return the images most like words or an image, or the newest that have the answers.

        ``answers`` are such as ``{"road_signs.condition": "faded"}``.
        """
        return self._hits(
            await search_operation.search(
                await self._reading(),
                text,
                image=Path(image) if image is not None else None,
                top=top,
                which=filter_of(**where),
                answers=answers_of(answers, self.settings),
            )
        )

    async def similar(
        self,
        what: str | Path,
        *,
        top: int = 10,
        answers: Mapping[str, object] | None = None,
        **where: Unpack[Where],
    ) -> Hits:
        """Return the images most like an image file or an observation, itself left out."""
        return self._hits(
            await search_operation.similar(
                await self._reading(),
                str(what),
                top=top,
                which=filter_of(**where),
                answers=answers_of(answers, self.settings),
            )
        )

    async def answers(self, task: str | None = None, **where: Unpack[Where]) -> Table:
        """Return the current answers of a task: a row a subject, a column a field."""
        return Table(
            await answers_table(
                await self._reading(), task, which=filter_of(**where), progress=self._progress
            )
        )

    async def embeddings(self, **where: Unpack[Where]) -> Table:
        """Return the vectors of the configured model: a row an image."""
        return Table(
            await embeddings_table(
                await self._reading(), which=filter_of(**where), progress=self._progress
            )
        )

    async def sql(self, query: str) -> Table:
        """Return what one SELECT over the ledgers and their views returns; nothing is written."""
        result = await sql_operation.sql(await self._reading(), query)
        return Table.from_rows(result.columns, result.rows)

    async def stats(self, task: str | None = None, **where: Unpack[Where]) -> TasksOverview:
        """Return what is known of the current answers of a task, or of each task."""
        return await stats_operation.overview(
            await self._reading(), task, which=filter_of(**where), progress=self._progress
        )

    async def count_answers(
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
        return await stats_operation.count_answers(
            await self._reading(),
            task,
            (by,) if across is None else (by, across),
            which=filter_of(**where),
            cell=cell,
            bin_width=bin_width,
            progress=self._progress,
        )

    async def consolidate(
        self,
        task: str | None = None,
        *,
        fields: Sequence[str] = (),
        confidence: str | None = None,
        half_life_days: float = 365.0,
        out: str | Path | None = None,
        force: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Consolidation:
        """Make one answer an asset of the answers about its images."""
        return await consolidate_operation.consolidate(
            await self._reading(),
            task,
            which=filter_of(**where),
            fields=fields,
            confidence=confidence,
            half_life_days=half_life_days,
            out=Path(out) if out is not None else None,
            force=force,
            top=top,
            progress=self._progress,
        )

    async def outliers(
        self,
        task: str | None = None,
        *,
        fields: Sequence[str] = (),
        neighbours: int = 10,
        at_least: float = 0.5,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Outliers:
        """Find answers that those about the most similar images contradict."""
        return await outliers_operation.outliers(
            await self._reading(),
            task,
            which=filter_of(**where),
            fields=fields,
            neighbours=neighbours,
            at_least=at_least,
            top=top,
            progress=self._progress,
        )

    async def duplicates(
        self,
        *,
        at_least: float = 0.98,
        within_asset: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Duplicates:
        """Group images that are nearly the same."""
        return await duplicates_operation.duplicates(
            await self._reading(),
            which=filter_of(**where),
            at_least=at_least,
            within_asset=within_asset,
            top=top,
            progress=self._progress,
        )

    async def places(
        self,
        *,
        at_least: float = 0.98,
        metres: float | None = None,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Places:
        """Group the different images of one asset, or of assets no further apart than this."""
        return await duplicates_operation.places(
            await self._reading(),
            which=filter_of(**where),
            at_least=at_least,
            metres=metres,
            top=top,
            progress=self._progress,
        )

    async def changes(
        self,
        task: str | None = None,
        *,
        comparison: Comparison | None = None,
        fields: Sequence[str] = (),
        tolerance: float = 0.0,
        out: str | Path | None = None,
        force: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Changes:
        """Compare assets between two snapshots, or before and after a time."""
        return await changes_operation.changes(
            await self._reading(),
            task,
            comparison=comparison,
            which=filter_of(**where),
            fields=fields,
            tolerance=tolerance,
            out=Path(out) if out is not None else None,
            force=force,
            top=top,
            progress=self._progress,
        )

    async def export(
        self,
        file: str | Path,
        *,
        task: str | None = None,
        format_: str | None = None,
        force: bool = False,
        **where: Unpack[Where],
    ) -> ExportedTable | ExportedExamples:
        """Write the current answers of a task: a table, a map, or examples to tune a model with."""
        return await export_operation.export(
            await self._reading(),
            Path(file),
            task=task,
            format_=format_,
            which=filter_of(**where),
            force=force,
            progress=self._progress,
        )

    def _request(
        self, tasks: Sequence[str], *, embed: bool, limit: int | None, where: Where
    ) -> TaskRequest:
        which = replace(filter_of(**where), limit=limit)
        return task_request(self.settings, which, tasks=tasks, embed=embed, command="python")

    async def _reading(self) -> Warehouse:
        """Return the warehouse, for what only reads.

        Raises:
            NotFoundError: there is no project in this folder.
        """
        self._must_exist()
        return await self._warehouse.get()

    def _must_exist(self) -> None:
        home = self.settings.home
        if self.settings.adapter("warehouse") == "local" and not home.exists():
            raise NotFoundError(
                f"there is no project in {home.parent}; `import_images(folder)` makes one"
            )

    def _hits(self, found: FoundHits) -> Hits:
        return Hits(found.hits, found.unknown_words, partial(read_image, self.settings))
