"""Files with one row per asset: tables, written by the exports, or JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import orjson

from sightline.errors import ConfigurationError
from sightline.export import FORMATS, format_of, open_table, written_whole
from sightline.export.formats import TableWriter
from sightline.export.targets import check_target
from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec

PAGE = 1000
LINES = ".jsonl"

Asset_contra = TypeVar("Asset_contra", contravariant=True)


class AssetColumns(Protocol[Asset_contra]):
    """How an asset is written: as a table row with the fields of ``task``, or as JSON."""

    task: TaskSpec

    def row(self, asset: Asset_contra) -> AnswerRow:
        """Return the asset's row."""
        ...

    def document(self, asset: Asset_contra) -> dict[str, object]:
        """Return the asset's JSON document."""
        ...


class AssetFile(Protocol[Asset_contra]):
    """Receives assets one by one."""

    def add(self, asset: Asset_contra) -> None:
        """Add an asset."""
        ...


def check_asset_file(out: Path | None, *, force: bool) -> None:
    """Check that this file may be written; ``None`` means that no file is wanted.

    Raises:
        ConfigurationError: its suffix is not that of a table, or the file or folder is in the way.
    """
    if out is None:
        return
    if out.suffix.lower() not in {*FORMATS, LINES}:
        accepted = ", ".join([*FORMATS, LINES])
        raise ConfigurationError(f"{out} has no known suffix; end it in one of {accepted}")
    check_target(out, force=force)


@contextmanager
def asset_file(
    out: Path | None, columns: AssetColumns[Asset_contra]
) -> Iterator[AssetFile[Asset_contra]]:
    """Yield a receiver of assets; the file is complete if the block ends normally, else absent."""
    if out is None:
        yield _NoFile()
        return
    with written_whole(out) as (file,):
        if out.suffix.lower() == LINES:
            yield _Lines(file, columns)
            return
        with open_table(format_of(out, None), file, columns.task) as table:
            rows = _Table(table, columns)
            yield rows
            rows.flush()


class _NoFile:
    def add(self, asset: object) -> None:
        pass


class _Lines(AssetFile[Asset_contra]):
    def __init__(self, file: BinaryIO, columns: AssetColumns[Asset_contra]) -> None:
        self._file, self._columns = file, columns

    def add(self, asset: Asset_contra) -> None:
        document = self._columns.document(asset)
        self._file.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


class _Table(AssetFile[Asset_contra]):
    def __init__(self, table: TableWriter, columns: AssetColumns[Asset_contra]) -> None:
        self._table, self._columns = table, columns
        self._rows: list[AnswerRow] = []

    def add(self, asset: Asset_contra) -> None:
        self._rows.append(self._columns.row(asset))
        if len(self._rows) == PAGE:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._table.write(self._rows)
        self._rows = []
