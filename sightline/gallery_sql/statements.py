"""Statements over the image table, in the SQL that every engine shares.

An engine supplies its dialect, and the condition of a filter, ``where``, which may occur several
times in a statement.
"""

# ruff: noqa: S608 - values are literals of the dialect, and names are our own

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from sightline.gallery_sql import bins
from sightline.gallery_sql.columns import ImageColumn, ImageTable
from sightline.model import BoundingBox
from sightline.ports.gallery import MISSING, ImageOrder, PageKey, Selection

Row = Sequence[Any]

EARTH_RADIUS_M = 6_371_008.8
RADIANS = "0.017453292519943295"

POINT = "observation_id, asset_type, latitude, longitude, heading"


class GalleryDialect(Protocol):
    """The differences between engines; a ``column`` is one of a list."""

    def literal(self, text: str) -> str:
        """Return a text as an SQL literal."""
        ...

    def holds(self, column: str, value: str) -> str:
        """Return whether a list has this member."""
        ...

    def is_empty(self, column: str) -> str:
        """Return whether a list is NULL or has no member."""
        ...

    def members(self, column: str, alias: str) -> str:
        """Return a join that gives each member of a list, or NULL where there is none."""
        ...

    def microseconds(self, column: str) -> str:
        """Return a time in microseconds since 1970, as a whole number."""
        ...


def chosen(
    dialect: GalleryDialect, table: ImageTable, selection: Selection, *, apart_from: str = ""
) -> str:
    """Return the condition of the facets and ids of a selection, without those of one facet.

    Raises:
        NotFoundError: there is no such facet.
    """
    conditions = [
        _passes(dialect, table.column(condition.facet), condition.values)
        for condition in selection.facets
        if condition.facet != apart_from
    ]
    if selection.ids is not None:
        ids = ", ".join(map(dialect.literal, selection.ids))
        conditions.append(f"observation_id IN ({ids})" if ids else "false")
    return " AND ".join(conditions) or "true"


def _passes(dialect: GalleryDialect, column: ImageColumn, values: Sequence[str]) -> str:
    return "(" + (" OR ".join(_has(dialect, column, value) for value in values) or "false") + ")"


def _has(dialect: GalleryDialect, column: ImageColumn, value: str) -> str:
    name = column.name
    match column.form:
        case "list":
            if value == MISSING:
                return dialect.is_empty(name)
            return dialect.holds(name, value)
        case _ if value == MISSING:
            return f"{name} IS NULL"
        case "boolean":
            return {"true": name, "false": f"NOT {name}"}.get(value, "false")
        case "number":
            return _is_number(name, value)
        case _:
            return f"{name} = {dialect.literal(value)}"


def _is_number(name: str, value: str) -> str:
    if (bounds := bins.read(value)) is not None:
        return f"({name} >= {float(bounds[0])!r} AND {name} < {float(bounds[1])!r})"
    try:
        number = float(value)
    except ValueError:
        return "false"
    return f"{name} = {number!r}" if abs(number) < float("inf") else "false"


def counted(
    dialect: GalleryDialect,
    table: ImageTable,
    selection: Selection,
    facets: Sequence[str],
    *,
    where: str,
    most: int,
) -> str:
    """Return the query of (facet's number, value, images, values there are).

    The first row, of facet -1, counts all. A value is a text, or the number of a bin.
    """
    everything = chosen(dialect, table, selection)
    total = "SELECT -1 AS facet, '' AS value, COUNT(*) AS images, 1 AS kinds"
    arms = [f"{total} FROM {table.name} AS images WHERE {where} AND {everything}"]
    for number, facet in enumerate(facets):
        column = table.column(facet)
        condition = f"{where} AND {chosen(dialect, table, selection, apart_from=facet)}"
        source = f"{table.name} AS images"
        if column.form == "list":
            source += f" {dialect.members(column.name, 'member')}"
        arms.append(
            f"(SELECT {number} AS facet, value, images, COUNT(*) OVER () AS kinds FROM ("
            f"SELECT {_value(table, column)} AS value, COUNT(*) AS images"
            f" FROM {source} WHERE {condition} GROUP BY value"
            f") AS one ORDER BY images DESC, value LIMIT {int(most)})"
        )
    return " UNION ALL ".join(arms)


def _value(table: ImageTable, column: ImageColumn) -> str:
    match column.form:
        case "list":
            return "member"
        case "boolean":
            return f"CASE WHEN {column.name} THEN 'true' WHEN NOT {column.name} THEN 'false' END"
        case "number":
            names = bin_names(table, column)
            # The same comparisons as those of a filter by this bin.
            cases = "".join(
                f" WHEN {column.name} < {float(high)!r} THEN '{name}'" for high, name in names
            )
            return f"CASE WHEN {column.name} IS NULL THEN NULL{cases} END"
        case _:
            return column.name


def bin_names(table: ImageTable, column: ImageColumn) -> Sequence[tuple[float, str]]:
    """Return the upper bound of each bin of a column of numbers, with the bin's name."""
    bounds = table.ranges.get(column.name)
    if bounds is None:
        return []
    field = column.facet.field
    edges = bins.edges(*bounds, whole=field is not None and field.type == "integer")
    return [(float(high), bins.text(low, high)) for low, high in pairwise(edges)]


_ORDERS = {
    "newest": ("capture_time", "DESC"),
    "oldest": ("capture_time", "ASC"),
    "asset": ("asset_id", "ASC"),
}


def summary_columns(dialect: GalleryDialect, table: ImageTable) -> str:
    """Return the columns of a summary: id, the order's value by time and asset, JSON, and so on."""
    own = ["observation_id", dialect.microseconds("capture_time"), "asset_id", "image", "dead"]
    return ", ".join([*own, *(version.answer for version in table.versions)])


def page(
    dialect: GalleryDialect,
    table: ImageTable,
    selection: Selection,
    order: ImageOrder,
    *,
    where: str,
    after: PageKey | None,
    size: int,
) -> str:
    """Return the query of a page: the rows of ``summary_columns``."""
    column, direction = _ORDERS[order]
    beyond = "true" if after is None else _beyond(dialect, order, after)
    return (
        f"SELECT {summary_columns(dialect, table)} FROM {table.name} AS images"
        f" WHERE {where} AND {chosen(dialect, table, selection)} AND {beyond}"
        f" ORDER BY {column} {direction} NULLS LAST, observation_id LIMIT {int(size)}"
    )


def _beyond(dialect: GalleryDialect, order: ImageOrder, after: PageKey) -> str:
    column, direction = _ORDERS[order]
    last = f"observation_id > {dialect.literal(after.observation_id)}"
    if after.value == MISSING:
        return f"({column} IS NULL AND {last})"
    if order == "asset":
        value = dialect.literal(after.value)
    else:
        column, value = dialect.microseconds(column), str(int(after.value))
    further = f"{column} {'<' if direction == 'DESC' else '>'} {value}"
    return f"({further} OR ({column} = {value} AND {last}) OR {column} IS NULL)"


def page_key(order: ImageOrder, row: Row) -> PageKey:
    """Return the key after a row of ``summary_columns``."""
    value = row[2] if order == "asset" else row[1]
    return PageKey(MISSING if value is None else str(value), row[0])


def summaries(dialect: GalleryDialect, table: ImageTable, ids: Iterable[str], *, where: str) -> str:
    """Return the query of the summaries of these images, in no particular order."""
    listed = ", ".join(map(dialect.literal, ids))
    return (
        f"SELECT {summary_columns(dialect, table)} FROM {table.name} AS images"
        f" WHERE {where} AND observation_id IN ({listed})"
    )


_TURNED = "CASE WHEN longitude < 0 THEN longitude + 360 ELSE longitude END"


def extent(dialect: GalleryDialect, table: ImageTable, selection: Selection, *, where: str,
           within: BoundingBox) -> str:  # fmt: skip
    """Return the query of one row: the bounds of all positions, and the images within a box."""
    return (
        "SELECT MIN(longitude), MIN(latitude), MAX(longitude), MAX(latitude),"
        f" MIN({_TURNED}), MAX({_TURNED}), COUNT(CASE WHEN {_inside(within)} THEN 1 END)"
        f" FROM {table.name} AS images WHERE {where} AND {chosen(dialect, table, selection)}"
        " AND latitude IS NOT NULL AND longitude IS NOT NULL"
    )


def points(dialect: GalleryDialect, table: ImageTable, selection: Selection, *, where: str,
           within: BoundingBox) -> str:  # fmt: skip
    """Return the query of the points within a box."""
    return (
        f"SELECT {POINT} FROM {table.name} AS images"
        f" WHERE {where} AND {chosen(dialect, table, selection)} AND {_inside(within)}"
        " ORDER BY observation_id"
    )


def cells(dialect: GalleryDialect, table: ImageTable, selection: Selection, *, where: str,
          within: BoundingBox, cell: float) -> str:  # fmt: skip
    """Return the query of the cells within a box: mean position, and number of images."""
    row, column = (f"FLOOR({name} / {float(cell)!r})" for name in ("latitude", "longitude"))
    return (
        f"SELECT AVG(latitude), AVG(longitude), COUNT(*) FROM {table.name} AS images"
        f" WHERE {where} AND {chosen(dialect, table, selection)} AND {_inside(within)}"
        f" GROUP BY {row}, {column} ORDER BY 3 DESC"
    )


def _inside(box: BoundingBox) -> str:
    west, east = (float(number) for number in box.meridians)
    together = "AND" if west <= east else "OR"  # across the antimeridian
    return (
        f"latitude BETWEEN {float(box.south)!r} AND {float(box.north)!r}"
        f" AND (longitude >= {west!r} {together} longitude <= {east!r})"
    )


def same_asset(dialect: GalleryDialect, table: ImageTable, observation_id: str, asset_id: str,
               *, where: str, most: int) -> str:  # fmt: skip
    """Return the query of the other images of an asset by time, as ``summary_columns``."""
    return (
        f"SELECT {summary_columns(dialect, table)} FROM {table.name} AS images"
        f" WHERE {where} AND asset_id = {dialect.literal(asset_id)}"
        f" AND observation_id <> {dialect.literal(observation_id)}"
        f" ORDER BY capture_time NULLS LAST, observation_id LIMIT {int(most)}"
    )


def nearest(dialect: GalleryDialect, table: ImageTable, observation_id: str, asset_id: str | None,
            *, where: str, place: tuple[float, float], within: BoundingBox, radius_m: float,
            most: int) -> str:  # fmt: skip
    """Return the query of the nearest images of other assets: distance, ``summary_columns``."""
    latitude, longitude = map(float, place)
    half = f"SIN((latitude - {latitude!r}) * {RADIANS} / 2)"
    across = f"SIN((longitude - {longitude!r}) * {RADIANS} / 2)"
    cosines = f"COS(latitude * {RADIANS}) * COS({latitude!r} * {RADIANS})"
    square = f"{half} * {half} + {cosines} * {across} * {across}"
    metres = f"2 * {EARTH_RADIUS_M} * ASIN(SQRT(LEAST(1.0, {square})))"
    other = "true" if asset_id is None else (
        f"(asset_id IS NULL OR asset_id <> {dialect.literal(asset_id)})")  # fmt: skip
    return (
        f"SELECT * FROM (SELECT {metres} AS metres, {summary_columns(dialect, table)}"
        f" FROM {table.name} AS images WHERE {where} AND {_inside(within)} AND {other}"
        f" AND observation_id <> {dialect.literal(observation_id)}) AS near"
        f" WHERE metres <= {float(radius_m)!r} ORDER BY metres, observation_id LIMIT {int(most)}"
    )


def ranges(table: ImageTable) -> str:
    """Return the query of the lowest and highest value of each column of numbers, in one row."""
    names = _numbers(table)
    listed = ", ".join(["COUNT(*)", *(f"MIN({name}), MAX({name})" for name in names)])
    return f"SELECT {listed} FROM {table.name} AS images"


def range_pairs(table: ImageTable, row: Row) -> Mapping[str, tuple[float, float]]:
    """Return the range of each column of numbers that has any, from the row of ``ranges``."""
    pairs = zip(_numbers(table), row[1::2], row[2::2], strict=True)
    return {name: (float(low), float(high)) for name, low, high in pairs if low is not None}


def _numbers(table: ImageTable) -> list[str]:
    return [column.name for column in table.columns.values() if column.form == "number"]
