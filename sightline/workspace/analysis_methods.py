"""Analyses of a project's answers: counts, consolidation, comparisons."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from sightline.operations import changes as changes_operation
from sightline.operations import consolidate as consolidate_operation
from sightline.operations import duplicates as duplicates_operation
from sightline.operations import outliers as outliers_operation
from sightline.operations import stats as stats_operation
from sightline.operations.changes import Changes
from sightline.operations.comparison import Comparison
from sightline.operations.consolidate import Consolidation
from sightline.operations.contact_sheets import check_sheet, write_outliers
from sightline.operations.duplicates import Duplicates, Places
from sightline.operations.outliers import Outliers
from sightline.operations.stats import AnswerCounts, TasksOverview
from sightline.workspace.filters import Where, filter_of, several
from sightline.workspace.project import Project


class AnalysisMethods(Project):
    """Statistics, consolidation, outliers, duplicates and changes."""

    async def stats(self, task: str | None = None, **where: Unpack[Where]) -> TasksOverview:
        """Return statistics of the current answers of a task, or of each task."""
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
        fields: str | Sequence[str] = (),
        confidence: str | None = None,
        half_life_days: float = 365.0,
        out: str | Path | None = None,
        force: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Consolidation:
        """Derive one answer per asset from the answers about its images."""
        return await consolidate_operation.consolidate(
            await self._reading(),
            task,
            which=filter_of(**where),
            fields=several(fields),
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
        file = Path(html) if html is not None else None
        check_sheet(file, force=force)
        result = await outliers_operation.outliers(
            await self._reading(),
            task,
            which=filter_of(**where),
            fields=several(fields),
            neighbours=neighbours,
            at_least=at_least,
            top=top,
            progress=self._progress,
        )
        if file is not None:
            await asyncio.to_thread(
                write_outliers, self.settings, result, file, force=force, progress=self._progress
            )
        return result

    async def duplicates(
        self,
        *,
        at_least: float = 0.98,
        within_asset: bool = False,
        top: int = 20,
        **where: Unpack[Where],
    ) -> Duplicates:
        """Group near-duplicate images."""
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
        """Group the different images of one asset, or of assets within this distance."""
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
        fields: str | Sequence[str] = (),
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
            fields=several(fields),
            tolerance=tolerance,
            out=Path(out) if out is not None else None,
            force=force,
            top=top,
            progress=self._progress,
        )
