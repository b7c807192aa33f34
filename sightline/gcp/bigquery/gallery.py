"""Browses a dataset: its image table is a query over the views, so it is always current.

BigQuery bills the columns that a statement reads, up to ``bigquery.max_bytes_billed``. A question
that is repeated within ``LASTS_S`` is answered without asking again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sightline.gallery_sql import BrowsedImages, ImageTable, Row, Statement, versions_of
from sightline.gallery_sql.statements import range_pairs, ranges
from sightline.gcp.bigquery.answers import TASKS
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.gallery_table import images
from sightline.gcp.bigquery.ledgers import ledger_names
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.selection import condition
from sightline.model import Filter
from sightline.ports import GalleryState
from sightline.tasks import stored_task

LASTS_S = 60.0
MOST_ANSWERS = 500
"""How many answers of BigQuery are kept."""


class _GoogleSqlDialect:
    """The GoogleSQL expressions that the statements need."""

    def literal(self, text: str) -> str:
        return quoted(text)

    def holds(self, column: str, value: str) -> str:
        return f"{quoted(value)} IN UNNEST({column})"

    def is_empty(self, column: str) -> str:
        return f"IFNULL(ARRAY_LENGTH({column}), 0) = 0"

    def members(self, column: str, alias: str) -> str:
        some = f"IF(IFNULL(ARRAY_LENGTH({column}), 0) > 0, {column}, [CAST(NULL AS STRING)])"
        return f"CROSS JOIN UNNEST({some}) AS {alias}"

    def microseconds(self, column: str) -> str:
        return f"UNIX_MICROS({column})"


class BigQueryGallery(BrowsedImages[ImageTable]):
    """The images of the client's dataset."""

    dialect = _GoogleSqlDialect()
    answer_json = "TO_JSON_STRING(answered.answer)"

    def __init__(
        self, client: BigQueryClient, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._answers: dict[tuple[str, str], tuple[float, Sequence[Row]]] = {}

    async def state(self) -> GalleryState:
        """Return that the images are current, but for answers that are ``LASTS_S`` old."""
        return GalleryState(datetime.now(UTC))

    async def table(self) -> ImageTable:
        """Return the image table of the tasks that are active now."""
        names = ledger_names(self._client.place)
        tasks = await self._rows(TASKS.format_map(names), {})
        versions = versions_of(
            [stored_task(toml, model, fingerprint) for toml, model, fingerprint in tasks]
        )
        table = ImageTable(f"({images(self._client.place, versions)})", versions)
        if not any(column.form == "number" for column in table.columns.values()):
            return table
        (bounds,) = await self._rows(ranges(table), {})
        return ImageTable(table.name, versions, range_pairs(table, bounds))

    async def ask(
        self,
        table: ImageTable,  # noqa: ARG002 - statements name it
        which: Filter,
        statement: Statement,
    ) -> Sequence[Row]:
        """Return the rows of a statement over the image table."""
        where = condition(which)
        return await self._rows(statement(where=f"({where.sql})"), where.values)

    async def ask_ledgers(
        self, statements: Sequence[Callable[[Mapping[str, str]], str]]
    ) -> Sequence[Sequence[Row]]:
        """Return the rows of some statements over the ledgers."""
        names = ledger_names(self._client.place)
        return [await self._rows(statement(names), {}) for statement in statements]

    async def _rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[Row]:
        key, now = (statement, repr(sorted(values.items()))), self._monotonic()
        asked_at, rows = self._answers.get(key, (float("-inf"), []))
        if now - asked_at >= LASTS_S:
            rows = await self._client.bound(statement, values)
            self._answers[key] = (now, rows)
            while len(self._answers) > MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
        return rows
