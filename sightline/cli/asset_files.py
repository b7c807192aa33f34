"""Files with a row an asset: tables by way of the exports, or lines of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sightline.ports import AnswerRow
    from sightline.tasks import TaskSpec

PAGE = 1000
LINES = ".jsonl"


class AssetFile(Protocol):
    """What takes assets, one after another."""

    def add(self, one: Any) -> None:
        """Take one in."""
        ...


def check_asset_file(out: Path | None, *, force: bool) -> None:
    """Check that a file of this name may be written; ``None`` is none.

    Raises:
        ConfigurationError: its suffix means no table, or something is in the way.
    """
    if out is None:
        return
    from sightline.errors import ConfigurationError
    from sightline.export import FORMATS
    from sightline.export.whole_files import check_target

    if out.suffix.lower() not in {*FORMATS, LINES}:
        accepted = ", ".join([*FORMATS, LINES])
        raise ConfigurationError(f"{out} does not tell its format; end it in one of {accepted}")
    check_target(out, force=force)


@contextmanager
def asset_file(
    out: Path | None,
    columns: TaskSpec,
    row: Callable[[Any], AnswerRow],
    document: Callable[[Any], dict[str, Any]],
) -> Iterator[AssetFile]:
    """Yield what takes the assets: a file that is whole when the block ends well, or nothing.

    ``row`` makes the row of a table with these columns, ``document`` a line of JSON.
    """
    if out is None:
        yield _Nowhere()
        return
    from sightline.export import format_of, open_table, written_whole

    with written_whole(out) as (file,):
        if out.suffix.lower() == LINES:
            yield _Lines(file, document)
            return
        with open_table(format_of(out, None), file, columns) as table:
            rows = _Table(table, row)
            yield rows
            rows.flush()


class _Nowhere:
    def add(self, one: Any) -> None:
        pass


class _Lines:
    def __init__(self, file: Any, document: Callable[[Any], dict[str, Any]]) -> None:
        self._file, self._document = file, document

    def add(self, one: Any) -> None:
        import orjson

        self._file.write(orjson.dumps(self._document(one), option=orjson.OPT_APPEND_NEWLINE))


class _Table:
    def __init__(self, table: Any, row: Callable[[Any], AnswerRow]) -> None:
        self._table, self._row = table, row
        self._rows: list[AnswerRow] = []

    def add(self, one: Any) -> None:
        self._rows.append(self._row(one))
        if len(self._rows) == PAGE:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._table.write(self._rows)
        self._rows = []
