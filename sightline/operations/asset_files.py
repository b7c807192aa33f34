"""Files with a row an asset: tables by way of the exports, or lines of JSON."""

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
    """How an asset is written: as a row of a table with the fields of ``task``, or as JSON."""

    task: TaskSpec

    def row(self, asset: Asset_contra) -> AnswerRow:
        """Return its row."""
        ...

    def document(self, asset: Asset_contra) -> dict[str, object]:
        """Return its JSON document."""
        ...


class AssetFile(Protocol[Asset_contra]):
    """What takes assets, one after another."""

    def add(self, asset: Asset_contra) -> None:
        """Take an asset in."""
        ...


def check_asset_file(out: Path | None, *, force: bool) -> None:
    """Check that a file of this name may be written; ``None`` is none.

    Raises:
        ConfigurationError: its suffix means no table, or something is in the way.
    """
    if out is None:
        return
    if out.suffix.lower() not in {*FORMATS, LINES}:
        accepted = ", ".join([*FORMATS, LINES])
        raise ConfigurationError(f"{out} does not tell its format; end it in one of {accepted}")
    check_target(out, force=force)


@contextmanager
def asset_file(
    out: Path | None, columns: AssetColumns[Asset_contra]
) -> Iterator[AssetFile[Asset_contra]]:
    """Yield what takes the assets: a file that is whole when the block ends well, or nothing."""
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
