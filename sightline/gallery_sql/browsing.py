"""Browses the image table of an engine that executes SQL statements."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import orjson

from sightline.errors import NotFoundError, Reason
from sightline.gallery_sql import recorded
from sightline.gallery_sql import statements as sql
from sightline.gallery_sql.columns import ImageTable
from sightline.gallery_sql.statements import GalleryDialect, Row
from sightline.model import BoundingBox, Filter, Observation
from sightline.ports.gallery import (
    MISSING,
    Facet,
    FacetCounts,
    ImageDetails,
    ImageOrder,
    ImagePage,
    ImageSummary,
    MapCell,
    MapPlaces,
    MapPoint,
    Neighbours,
    PageKey,
    Selection,
)
from sightline.wire import rows_to_observations

Table = TypeVar("Table", bound=ImageTable)

Statement = Callable[..., str]
"""Builds a statement from the condition ``where``."""

METRES_A_DEGREE = 111_195.0
_EVERYWHERE = Filter()


class BrowsedImages(ABC, Generic[Table]):
    """The part of ``Gallery`` that is the same for every SQL engine.

    ``answer_json`` is an answer of ``answered`` as a text.
    """

    dialect: GalleryDialect
    answer_json: str

    @abstractmethod
    async def table(self) -> Table:
        """Return the image table to ask."""

    @abstractmethod
    async def ask(self, table: Table, which: Filter, statement: Statement) -> Sequence[Row]:
        """Return the rows of a statement over the image table, whose ``where`` is the filter."""

    @abstractmethod
    async def ask_ledgers(
        self, statements: Sequence[Callable[[Mapping[str, str]], str]]
    ) -> Sequence[Sequence[Row]]:
        """Return the rows of some statements over the ledgers, by the engine's names for them."""

    async def facets(self) -> Sequence[Facet]:
        """Return the facets that exist, in the order in which they are shown."""
        return [column.facet for column in (await self.table()).columns.values()]

    async def counted(
        self, selection: Selection, facets: Sequence[str], *, most_values: int = 30
    ) -> tuple[int, Sequence[FacetCounts]]:
        """Return the number of selected images, and their counts by facets.

        Raises:
            NotFoundError: there is no such facet.
        """
        table = await self.table()
        statement = partial(sql.counted, self.dialect, table, selection, facets, most=most_values)
        rows = await self.ask(table, selection.filter, statement)
        return _counts(table, facets, rows)

    async def page(
        self, selection: Selection, order: ImageOrder, *, after: PageKey | None, size: int
    ) -> ImagePage:
        """Return the selected images after a key; those without the ordered value come last."""
        table = await self.table()
        statement = partial(
            sql.page, self.dialect, table, selection, order, after=after, size=size + 1
        )
        rows = await self.ask(table, selection.filter, statement)
        following = sql.page_key(order, rows[size - 1]) if len(rows) > size else None
        return ImagePage(_summaries(table, rows[:size]), following)

    async def summaries(self, ids: Sequence[str]) -> Sequence[ImageSummary]:
        """Return these images in this order, without those that do not exist."""
        if not ids:
            return []
        table = await self.table()
        statement = partial(sql.summaries, self.dialect, table, ids)
        rows = await self.ask(table, _EVERYWHERE, statement)
        by_id = {image.observation.observation_id: image for image in _summaries(table, rows)}
        return [by_id[name] for name in ids if name in by_id]

    async def places(
        self, selection: Selection, within: BoundingBox, *, cell: float, most_points: int
    ) -> MapPlaces:
        """Return the selected images within bounds; ``cell`` is the edge of a cell in degrees."""
        table = await self.table()
        filtered = partial(self.ask, table, selection.filter)
        common: Any = {"within": within}
        (row,) = await filtered(partial(sql.extent, self.dialect, table, selection, **common))
        images = int(row[6])
        points: list[MapPoint] = []
        cells: list[MapCell] = []
        if 0 < images <= most_points:
            rows = await filtered(partial(sql.points, self.dialect, table, selection, **common))
            points = [MapPoint(*columns) for columns in rows]
        elif images:
            common["cell"] = cell
            rows = await filtered(partial(sql.cells, self.dialect, table, selection, **common))
            cells = [MapCell(float(y), float(x), int(n)) for y, x, n in rows]
        return MapPlaces(images, points, cells, _extent(row))

    async def details(self, observation_id: str) -> ImageDetails:
        """Return everything recorded about an image.

        Raises:
            NotFoundError: there is no such image.
        """
        observation = await self._observation(observation_id)
        subjects = [observation_id, *([observation.asset_id] if observation.asset_id else [])]
        answers, letters, models = await self.ask_ledgers(
            [
                lambda names: recorded.answers(
                    self.dialect, names, subjects, json=self.answer_json
                ),
                lambda names: recorded.dead_letters(self.dialect, names, subjects),
                lambda names: recorded.embedded_by(self.dialect, names, observation_id),
            ]
        )
        return ImageDetails(
            observation,
            recorded.answer_details(answers),
            recorded.dead_letter_details(letters),
            [f"{model} ({dimension} dimensions)" for model, dimension in models],
        )

    async def neighbours(self, observation_id: str, *, most: int, radius_m: float) -> Neighbours:
        """Return up to ``most`` images of the same asset, and as many of the nearest others.

        Raises:
            NotFoundError: there is no such image.
        """
        observation = await self._observation(observation_id)
        table = await self.table()
        asset_id = observation.asset_id or None
        same: Sequence[ImageSummary] = []
        if asset_id:
            statement = partial(
                sql.same_asset, self.dialect, table, observation_id, asset_id, most=most
            )
            same = _summaries(table, await self.ask(table, _EVERYWHERE, statement))
        if observation.latitude is None or observation.longitude is None:
            return Neighbours(same, [])
        place = (observation.latitude, observation.longitude)
        statement = partial(
            sql.nearest, self.dialect, table, observation_id, asset_id, place=place,
            within=_around(*place, radius_m), radius_m=radius_m, most=most,
        )  # fmt: skip
        rows = await self.ask(table, _EVERYWHERE, statement)
        images = _summaries(table, [row[1:] for row in rows])
        distances = [float(row[0]) for row in rows]
        return Neighbours(same, list(zip(images, distances, strict=True)))

    async def _observation(self, observation_id: str) -> Observation:
        summaries = await self.summaries([observation_id])
        if not summaries:
            raise NotFoundError(
                f"there is no image {observation_id!r}; give an observation's id as `sightline"
                " search --json` shows it"
            )
        return summaries[0].observation


def _summaries(table: ImageTable, rows: Sequence[Row]) -> list[ImageSummary]:
    observations = rows_to_observations([orjson.loads(row[3]) for row in rows])
    tasks = [version.task.name for version in table.versions]
    return [
        ImageSummary(
            observation,
            {
                task: orjson.loads(answer)
                for task, answer in zip(tasks, row[5:], strict=True)
                if answer is not None
            },
            [Reason(reason) for reason in row[4] or ()],
        )
        for observation, row in zip(observations, rows, strict=True)
    ]


def _counts(
    table: ImageTable, facets: Sequence[str], rows: Sequence[Row]
) -> tuple[int, Sequence[FacetCounts]]:
    by_facet: dict[int, list[tuple[str, int]]] = {number: [] for number in range(len(facets))}
    kinds: dict[int, int] = {}
    total = 0
    for number, value, images, count in rows:
        if number < 0:
            total = int(images)
        else:
            by_facet[number].append((MISSING if value is None else str(value), int(images)))
            kinds[number] = int(count)
    counts = []
    for number, name in enumerate(facets):
        column, values = table.column(name), by_facet[number]
        order = {bin_name: n for n, (_, bin_name) in enumerate(sql.bin_names(table, column))}
        if column.form == "number":
            values.sort(key=lambda pair: order.get(pair[0], len(order)))
        elif column.facet.kind == "month":
            values.sort(key=lambda pair: (pair[0] == MISSING, pair[0]))
        else:
            values.sort(key=lambda pair: (-pair[1], pair[0]))
        others = kinds.get(number, 0) - len(values)
        counts.append(FacetCounts(column.facet, tuple(values), others))
    return total, counts


def _extent(row: Row) -> BoundingBox | None:
    if row[0] is None:
        return None
    west, south, east, north, turned_west, turned_east = map(float, row[:6])
    if turned_east - turned_west < east - west:  # narrower across the antimeridian
        west, east = (x - 360 if x > 180 else x for x in (turned_west, turned_east))
    return BoundingBox(west, south, east, north)


def _around(latitude: float, longitude: float, radius_m: float) -> BoundingBox:
    """Return a box with the circle in it."""
    high = radius_m / METRES_A_DEGREE
    south, north = max(-90.0, latitude - high), min(90.0, latitude + high)
    least = math.cos(math.radians(max(abs(south), abs(north))))
    wide = high / least if least > high / 180 else 180.0
    if wide >= 180:
        return BoundingBox(-180.0, south, 180.0, north)
    west, east = longitude - wide, longitude + wide
    return BoundingBox(
        west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north
    )
