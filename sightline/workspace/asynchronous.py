"""A project behind coroutines: every operation, on whatever engine the settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from sightline.errors import NotFoundError
from sightline.operations import changes as changes_operation
from sightline.operations import consolidate as consolidate_operation
from sightline.operations import duplicates as duplicates_operation
from sightline.operations import export as export_operation
from sightline.operations import outliers as outliers_operation
from sightline.operations import search as search_operation
from sightline.operations import stats as stats_operation
from sightline.operations.changes import Changes
from sightline.operations.comparison import Comparison
from sightline.operations.consolidate import Consolidation
from sightline.operations.duplicates import Duplicates, Places
from sightline.operations.export import ExportedExamples, ExportedTable
from sightline.operations.images import read_image
from sightline.operations.outliers import Outliers
from sightline.operations.search import Hits as FoundHits
from sightline.operations.stats import CountedAnswers, Overview
from sightline.operations.tables import answers_table, embeddings_table
from sightline.ports import Warehouse
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring import known_tasks, open_warehouse
from sightline.workspace.filters import Where, answers_of, filter_of
from sightline.workspace.held_open import HeldOpen
from sightline.workspace.hits import Hits
from sightline.workspace.tables import Table


class AsyncWorkspace:
    """A project; methods that read take the same filters, ``where``: see ``Where``.

    Every method raises the errors of ``sightline.errors``; reading where there is no project
    raises ``NotFoundError``.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self.settings = settings
        self._progress = progress
        self._warehouse = HeldOpen(partial(open_warehouse, settings))

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
        await self._warehouse.close()

    @property
    def tasks(self) -> Mapping[str, TaskSpec]:
        """The tasks there are, shipped ones and the project's own, by name."""
        return known_tasks(self.settings)

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
        warehouse = await self._reading()
        return Table.from_rows(*await warehouse.upkeep.query(query))

    async def stats(self, task: str | None = None, **where: Unpack[Where]) -> Overview:
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
    ) -> CountedAnswers:
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
