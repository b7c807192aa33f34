"""CSV (RFC 4180, UTF-8, a header): for spreadsheets, and for programs without a better format.

Texts that a spreadsheet would execute as formulas are prefixed with an apostrophe, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection): an answer may repeat a text that is
painted on a sign. Numbers, booleans and times are never changed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from sightline.export.table import AnswerTable, position, rows_of
from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - Excel takes them too
"""The first characters that make spreadsheets execute a cell, full-width signs included."""


class CsvTable:
    """A CSV file to append to. Null is an empty cell; a list is JSON; times are RFC 3339 in UTC."""

    def __init__(self, file: BinaryIO, task: TaskSpec) -> None:
        self._file = file
        self._table = AnswerTable(task)
        self._names = [column.name for column in self._table.columns]
        self.without_position = 0
        self.changed_cells = 0
        self._append([self._names])

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append rows."""
        self.without_position += sum(position(row) is None for row in page)
        rows = rows_of(self._table, page)
        self._append([[self._cell(row[name]) for name in self._names] for row in rows])

    def finish(self) -> None:
        """Do nothing: nothing follows the last row."""

    def abandon(self) -> None:
        """Do nothing: nothing is buffered."""

    def _append(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode())

    def _cell(self, value: Any) -> Any:
        if isinstance(value, str):
            if value.startswith(FORMULA):
                self.changed_cells += 1
                return f"'{value}"
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, list):
            return orjson.dumps(value).decode()
        return value
