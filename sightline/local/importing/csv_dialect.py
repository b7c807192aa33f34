"""The dialect of a CSV file, and checks for what a parser cannot read, before a row is read."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from sightline.errors import ConfigurationError

_BLOCK_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The separator and the header of a CSV file.

    ``skipped_lines`` precede the header, such as the ``sep=;`` of a spreadsheet; ``has_nul`` if the
    file contains a zero byte.
    """

    delimiter: str
    header: tuple[str, ...]
    skipped_lines: int
    has_nul: bool


def dialect_of(path: Path, head: bytes) -> Dialect:
    """Return the dialect of a file that begins with ``head`` and must be a CSV.

    Raises:
        ConfigurationError: it is not CSV, or not UTF-8, or a quote is never closed.
    """
    text = _decoded_head(path, head)
    separator = _SEPARATOR_LINE.match(text)
    if separator:
        text = text[separator.end() :]
    outside = _QUOTED.sub("", text.lstrip("\r\n")).splitlines()
    delimiter = separator[1] if separator else max(_DELIMITERS, key=(outside or [""])[0].count)
    lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    header = tuple(next((line for line in lines if line), []))
    quotes, nuls = _counts(path)
    skipped_lines = int(separator is not None)
    if quotes % 2:
        _refuse_open_quote(path, delimiter, skipped_lines)
    return Dialect(delimiter, header, skipped_lines, has_nul=nuls > 0)


def _decoded_head(path: Path, head: bytes) -> str:
    content = head.removeprefix(_BYTE_ORDER_MARK)
    if not content.strip():
        raise ConfigurationError(f"{path} is empty; give a table with a header line")
    header = content.lstrip(b"\r\n").splitlines()[0]
    zeros = [header[start::2].count(0) for start in (0, 1)]
    if head.startswith(_UTF16_MARKS) or 3 * max(zeros) > len(header):
        raise ConfigurationError(
            f"{path} is UTF-16; save it as UTF-8, e.g. {_conversion(path, 'utf-16')}"
        )
    if b"\0" in header:
        raise ConfigurationError(f"{path} is neither CSV nor Parquet; give one of these")
    try:
        header.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: the header's byte {error.start + 1} is not UTF-8;"
            f" save it as UTF-8, e.g. {_conversion(path, 'latin1')}"
        ) from error
    return content.decode(errors="replace")


def _conversion(path: Path, encoding: str) -> str:
    copy = path.with_name(f"{path.stem}-utf8{path.suffix}")
    return f"`iconv -f {encoding} -t utf-8 {shlex.quote(str(path))} > {shlex.quote(str(copy))}`"


def _counts(path: Path) -> tuple[int, int]:
    """Return the number of quotes and of zero bytes in a file."""
    quotes = nuls = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            quotes += block.count(b'"')
            nuls += block.count(b"\0")
    return quotes, nuls


def _refuse_open_quote(path: Path, delimiter: str, skipped_lines: int) -> None:
    """Refuse a file with a quoted cell that never ends, since it would contain all that follows.

    An odd number of quotes is no proof: in an unquoted cell they are ordinary characters.
    """
    row = 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(_skipping(file, skipped_lines), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                row += bool(cells)
                line = reader.line_num
        except csv.Error as error:
            raise ConfigurationError(
                f"{path}: row {row + 1} (line {line + 1 + skipped_lines if row else 1}) has a quote"
                " that is not closed; close it, or double the quotes inside of cells"
            ) from error


def _skipping(lines: Iterator[str], count: int) -> Iterator[str]:
    for _ in range(count):
        next(lines, None)
    return lines
