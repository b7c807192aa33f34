"""Unsupported formats, recognised by their first bytes or their names, each with its remedy."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.vision.images import SNIFF_BYTES, sniff


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """A format that ``sightline import`` does not read.

    A file has it if its name ends in one of ``suffixes``, or if it contains one of ``magics``,
    bytes at an offset. ``remedy`` may contain ``{file}``, and ``{stem}``, the name without its
    suffix, both quoted for a shell.
    """

    name: str
    suffixes: tuple[str, ...]
    remedy: str
    magics: tuple[tuple[int, bytes], ...] = ()

    @property
    def result(self) -> str:
        """What to import then: the file that the remedy writes."""
        written = re.search(r"\{stem\}\.\w+", self.remedy)
        return written[0] if written else "the result"


_SPREADSHEET = "save the sheet as CSV UTF-8 there, or run `ogr2ogr -f CSV {stem}.csv {file}`"
_MAP = "run `ogr2ogr -f CSV -t_srs EPSG:4326 -lco GEOMETRY=AS_WKT {stem}.csv {file}`"
_LAYERS = "choose a layer that `ogrinfo {file}` lists, " + _MAP.removesuffix("`") + " LAYER`"
_PYTHON = "run `{python} -c 'import sys, %s' {file} {stem}.parquet`"
_ARROW = "pyarrow.%s as table, pyarrow.parquet as pq; pq.write_table(%s, sys.argv[2])"
_FRAME = "write it as Parquet with `DataFrame.to_parquet`"

FOREIGN_FORMATS = (
    ForeignFormat("an Excel workbook", (".xlsx", ".xlsm", ".xlsb", ".xls"), _SPREADSHEET),
    ForeignFormat("an OpenDocument spreadsheet", (".ods",), _SPREADSHEET),
    ForeignFormat("a GPX track", (".gpx",), _MAP.removesuffix("`") + " waypoints`"),
    ForeignFormat("KML", (".kml", ".kmz"), _MAP),
    ForeignFormat("GML", (".gml",), _MAP),
    ForeignFormat("TopoJSON", (".topojson",), _MAP),
    ForeignFormat("a part of a Shapefile", (".dbf", ".shx", ".prj"), "find {stem}.shp beside it"),
    ForeignFormat("FlatGeobuf", (".fgb",), _MAP, ((0, b"fgb\3"),)),
    ForeignFormat("a DXF drawing", (".dxf",), _MAP),
    ForeignFormat("a MapInfo table", (".mif",), _MAP, ((0, b"!table"),)),
    ForeignFormat("a database of SQLite", (".sqlite",), _LAYERS, ((0, b"SQLite format 3\0"),)),
    ForeignFormat(
        "JSON",
        (".json", ".jsonl", ".ndjson"),
        _PYTHON % "duckdb; duckdb.read_json(sys.argv[1]).write_parquet(sys.argv[2])",
    ),
    ForeignFormat(
        "an Arrow file",
        (".arrow", ".feather", ".ipc"),
        _PYTHON % (_ARROW % ("feather", "table.read_table(sys.argv[1])")),
        ((0, b"ARROW1"),),
    ),
    ForeignFormat(
        "ORC",
        (".orc",),
        _PYTHON % (_ARROW % ("orc", "table.read_table(sys.argv[1])")),
        ((0, b"ORC"),),
    ),
    ForeignFormat("Avro", (".avro",), "export it as Parquet instead", ((0, b"Obj\1"),)),
    ForeignFormat("a compressed file", (".gz",), "run `gunzip -k {file}`", ((0, b"\x1f\x8b"),)),
    ForeignFormat(
        "a compressed file", (".zst",), "run `unzstd {file}`", ((0, b"\x28\xb5\x2f\xfd"),)
    ),
    ForeignFormat("a compressed file", (".bz2",), "run `bunzip2 -k {file}`", ((0, b"BZh"),)),
    ForeignFormat("a compressed file", (".xz",), "run `unxz -k {file}`", ((0, b"\xfd7zXZ\0"),)),
    ForeignFormat("an archive", (".zip",), "run `unzip {file}`", ((0, b"PK\3\4"),)),
    ForeignFormat("a pickle", (".pkl", ".pickle"), _FRAME),
    ForeignFormat("HDF5", (".h5", ".hdf5"), _FRAME, ((0, b"\x89HDF"),)),
    ForeignFormat("a PDF", (".pdf",), "export the table in it as CSV UTF-8", ((0, b"%PDF-"),)),
)
"""By name first, since a workbook is also a ZIP archive; then by content."""


def refuse_foreign(path: Path, head: bytes) -> None:
    """Refuse a file of a known unsupported format.

    Raises:
        ConfigurationError: it is one; the message names the format and its remedy.
    """
    if sniff(head[:SNIFF_BYTES]) is not None:
        raise ConfigurationError(f"{path} is a picture; give its folder")
    by_name = [known for known in FOREIGN_FORMATS if path.suffix.lower() in known.suffixes]
    by_content = [
        known
        for known in FOREIGN_FORMATS
        if any(head[at:].startswith(magic) for at, magic in known.magics)
    ]
    for known in (*by_name, *by_content)[:1]:
        remedy = f"{known.remedy}, and import {known.result}".format(
            file=shlex.quote(str(path)),
            stem=shlex.quote(str(path.with_suffix(""))),
            python=shlex.quote(sys.executable),
        )
        raise ConfigurationError(f"{path} is {known.name}, which is not read; {remedy}")
