"""The tables that the Python API returns: Arrow, converted to pandas, GeoPandas or DuckDB."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from sightline.errors import ConfigurationError
from sightline.extras import library

SHOWN_ROWS = 20
SHOWN_CHARACTERS = 80


class Table:
    """Rows and columns, as an Arrow table; iterating yields one ``dict`` per row."""

    def __init__(self, arrow: pa.Table) -> None:
        self._arrow = arrow

    @classmethod
    def from_rows(cls, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
        """Return a table of rows with inferred Arrow types; values without one become text."""
        arrays = []
        for values in zip(*rows, strict=True) if rows else [()] * len(columns):
            try:
                arrays.append(pa.array(values))
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
                arrays.append(pa.array([None if value is None else str(value) for value in values]))
        return cls(pa.Table.from_arrays(arrays, names=list(columns)))

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._arrow.column_names)

    def __len__(self) -> int:
        return int(self._arrow.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self._arrow.to_batches(max_chunksize=1000):
            yield from batch.to_pylist()

    def __repr__(self) -> str:
        return f"<Table: {len(self):,} rows of {', '.join(self.columns)}>"

    def to_arrow(self) -> pa.Table:
        """Return the Arrow table."""
        return self._arrow

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        library("pandas", "pandas")
        return self._arrow.to_pandas()

    def to_geopandas(self) -> Any:
        """Return a ``geopandas.GeoDataFrame`` with points (EPSG:4326) from longitude and latitude.

        Raises:
            ConfigurationError: geopandas is not installed, or the table has no positions.
        """
        geopandas = library("geopandas", "gis")
        if not {"longitude", "latitude"} <= set(self.columns):
            raise ConfigurationError(
                "this table has no columns longitude and latitude; use one that has, such as"
                " `answers(...)`"
            )
        frame = self.to_pandas()
        points = geopandas.points_from_xy(frame["longitude"], frame["latitude"])
        return geopandas.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """Return a DuckDB relation over the table, without a copy."""
        return duckdb.from_arrow(self._arrow)

    def _repr_html_(self) -> str:
        rows = self._arrow.slice(0, SHOWN_ROWS).to_pylist()
        more = len(self) - len(rows)
        note = f"<p>and {more:,} more rows</p>" if more > 0 else ""
        return html_table(self.columns, [list(row.values()) for row in rows]) + note


def html_table(columns: list[str], rows: list[list[object]]) -> str:
    """Return a table as HTML; all content is text, never markup."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_short(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
