"""Reads a project: searches, answers, vectors, tables and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from sightline.operations import export as export_operation
from sightline.operations import search as search_operation
from sightline.operations import sql as sql_operation
from sightline.operations.export import ExportedExamples, ExportedTable
from sightline.operations.search import SearchResult as FoundHits
from sightline.operations.tables import answers_table, embeddings_table
from sightline.workspace.filters import Where, answers_of, filter_of
from sightline.workspace.hits import Hits
from sightline.workspace.project import Project
from sightline.workspace.tables import Table


class ReadMethods(Project):
    """Search, tables, SQL and files."""

    async def search(
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
        """Return the images most similar to an image file or an observation, itself left out."""
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
        """Return the current answers of a task: one row per subject, one column per field."""
        return Table(
            await answers_table(
                await self._reading(), task, which=filter_of(**where), progress=self._progress
            )
        )

    async def embeddings(self, **where: Unpack[Where]) -> Table:
        """Return the vectors of the configured model: one row per image."""
        return Table(
            await embeddings_table(
                await self._reading(), which=filter_of(**where), progress=self._progress
            )
        )

    async def sql(self, query: str) -> Table:
        """Return the result of one SELECT over the ledgers and their views; nothing is written."""
        result = await sql_operation.sql(await self._reading(), query)
        return Table.from_rows(result.columns, result.rows)

    async def export(
        self,
        file: str | Path,
        *,
        task: str | None = None,
        format_: str | None = None,
        force: bool = False,
        **where: Unpack[Where],
    ) -> ExportedTable | ExportedExamples:
        """Write the current answers of a task: a table, a map, or examples for tuning a model."""
        return await export_operation.export(
            await self._reading(),
            Path(file),
            task=task,
            format_=format_,
            which=filter_of(**where),
            force=force,
            progress=self._progress,
        )

    def _hits(self, result: FoundHits) -> Hits:
        return Hits(result, self.settings)
