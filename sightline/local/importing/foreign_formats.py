"""Formats that are not read, told by their first bytes or their names, each with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.vision.images import SNIFF_BYTES, sniff


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """A format that ``sightline import`` does not read.

    ``remedy`` may have ``{file}``, the path as it is typed in a shell, and ``{stem}``, the name
    without its suffix.
    """

    name: str
    suffixes: tuple[str, ...]
    remedy: str
    magics: tuple[bytes, ...] = ()


_BY_GDAL = "convert it with `ogr2ogr -t_srs EPSG:4326 {stem}.parquet {file}`, or export it as CSV"
_BY_SPREADSHEET = "save it as CSV UTF-8 in the program that made it"

FOREIGN_FORMATS = (
    ForeignFormat("an Excel workbook", (".xlsx", ".xlsm", ".xlsb"), _BY_SPREADSHEET),
)


def refuse_foreign(path: Path, head: bytes) -> None:
    """Refuse a file of a known format that is no table that is read here.

    Raises:
        ConfigurationError: it is one; the message names it and says what to do instead.
    """
    if sniff(head[:SNIFF_BYTES]) is not None:
        raise ConfigurationError(f"{path} is a picture; give the folder that it is in")
