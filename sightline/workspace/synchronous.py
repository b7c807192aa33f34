"""A project behind plain methods: the asynchronous one, in an event loop of a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

from anyio.from_thread import BlockingPortal, start_blocking_portal

from sightline.operations.changes import Changes
from sightline.operations.comparison import Comparison
from sightline.operations.consolidate import Consolidation
from sightline.operations.duplicates import Duplicates, Places
from sightline.operations.export import ExportedExamples, ExportedTable
from sightline.operations.outliers import Outliers
from sightline.operations.stats import CountedAnswers, Overview
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.workspace.asynchronous import AsyncWorkspace
from sightline.workspace.filters import Where
from sightline.workspace.hits import Hits
from sightline.workspace.tables import Table

Result = TypeVar("Result")


class Workspace:
    """A project, as ``AsyncWorkspace`` is one; it works inside a running event loop, too.

    Methods that read take the same filters, ``where``: see ``Where``.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._workspace = AsyncWorkspace(settings, progress)
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
        """Close what is open, and end the thread; the workspace may be used again."""
        if self._portal is not None:
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
        """The tasks there are, shipped ones and the project's own, by name."""
        return self._workspace.tasks

    def _wait(self, operation: Callable[[], Coroutine[None, None, Result]]) -> Result:
        if self._portal is None:
            self._portal = self._stack.enter_context(start_blocking_portal("asyncio"))
        return self._portal.call(operation)

    def search(
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
        """Return the images most like an image file or an observation, itself left out."""
        return self._wait(lambda: self._workspace.similar(what, top=top, answers=answers, **where))

    def answers(self, task: str | None = None, **where: Unpack[Where]) -> Table:
        """Return the current answers of a task: a row a subject, a column a field."""
        return self._wait(lambda: self._workspace.answers(task, **where))

    def embeddings(self, **where: Unpack[Where]) -> Table:
        """Return the vectors of the configured model: a row an image."""
        return self._wait(lambda: self._workspace.embeddings(**where))

    def sql(self, query: str) -> Table:
        """Return what one SELECT over the ledgers and their views returns; nothing is written."""
        return self._wait(lambda: self._workspace.sql(query))

    def stats(self, task: str | None = None, **where: Unpack[Where]) -> Overview:
        """Return what is known of the current answers of a task, or of each task."""
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
    ) -> CountedAnswers:
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
        fields: Sequence[str] = (),
        confidence: str | None = None,
        half_life_days: float = 365.0,
        out: str | Path | None = None,
        force: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Consolidation:
        """Make one answer an asset of the answers about its images."""
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
        fields: Sequence[str] = (),
        neighbours: int = 10,
        at_least: float = 0.5,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Outliers:
        """Find answers that those about the most similar images contradict."""
        return self._wait(
            lambda: self._workspace.outliers(
                task, fields=fields, neighbours=neighbours, at_least=at_least, top=top, **where
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
        """Group images that are nearly the same."""
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
        """Group the different images of one asset, or of assets no further apart than this."""
        return self._wait(
            lambda: self._workspace.places(at_least=at_least, metres=metres, top=top, **where)
        )

    def changes(
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
        """Write the current answers of a task: a table, a map, or examples to tune a model with."""
        return self._wait(
            lambda: self._workspace.export(file, task=task, format_=format_, force=force, **where)
        )
