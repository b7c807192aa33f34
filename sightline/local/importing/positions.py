"""Positions of a batch of rows, from all columns with positions, in WGS 84 degrees.

A row's position is the first available from the sources, in the order of the layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from sightline.errors import ConfigurationError
from sightline.geodata.crs import DEGREES, ToDegrees, parse_crs, to_degrees
from sightline.local.importing.arrays import numbers_of
from sightline.local.importing.columns import CoordinateColumns, PointColumn, PositionSource
from sightline.local.importing.names import LATITUDE, LONGITUDE, X, Y, folded
from sightline.local.importing.points import WGS84, Refuse, points_of
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.values import FaultError, Numbers, check_position

Coordinates = npt.NDArray[np.float64]


@dataclass(slots=True)
class Positions:
    """Reads the positions of one table's rows.

    Coordinates of exactly 0, 0 are no position, as in EXIF; ``at_zero`` counts them.

    Raises:
        ConfigurationError: a column declares a CRS that is not known, or not of places on Earth.
    """

    table: str
    sources: tuple[PositionSource, ...]
    numbers: Numbers
    at_zero: int = 0
    _conversions: dict[str, ToDegrees | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for source in self.sources:
            if source.crs is not None:
                self._conversion(source.crs)

    def read(self, batch: RawBatch, refuse: Refuse) -> tuple[Any, Any]:
        """Return arrays of latitude and longitude, null if a row has no position."""
        count = len(batch.numbers)
        longitude, latitude = np.full(count, np.nan), np.full(count, np.nan)
        is_open = np.ones(count, bool)

        def refuse_and_close(index: int, detail: str) -> None:
            if is_open[index]:
                is_open[index] = False
                refuse(index, detail)

        for source in self.sources:
            if not is_open.any():
                break
            rows = np.flatnonzero(is_open)

            def refuse_row(
                index: int, detail: str, source: PositionSource = source, rows: Any = rows
            ) -> None:
                refuse_and_close(int(rows[index]), f"{source.name}: {detail}")

            taken = {name: column.take(pa.array(rows)) for name, column in batch.columns.items()
                     if name in source.columns}  # fmt: skip
            longitude[rows], latitude[rows] = self._degrees(source, taken, refuse_row)
            is_open &= np.isnan(longitude)
        return pa.array(latitude, from_pandas=True), pa.array(longitude, from_pandas=True)

    def _degrees(
        self, source: PositionSource, columns: dict[str, Any], refuse: Refuse
    ) -> tuple[Coordinates, Coordinates]:
        """Return longitudes and latitudes from a source, NaN if there are none."""
        if isinstance(source, CoordinateColumns):
            x, y = (
                numbers_of(place.take(columns), self.numbers, refuse)
                for place in (source.x, source.y)
            )
            return self._whole(x, y, np.full(len(x), 0), source.crs, refuse)
        x, y, srids = self._points(source, columns, refuse)
        return self._whole(x, y, srids, source.crs, refuse)

    def _points(
        self, source: PointColumn, columns: dict[str, Any], refuse: Refuse
    ) -> tuple[Any, Any, npt.NDArray[np.int64]]:
        """Return x, y and the SRIDs of a column of positions."""
        column = source.place.take(columns)
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        count = len(column)
        if pa.types.is_struct(column.type):
            fields = {folded(column.type.field(i).name): i for i in range(column.type.num_fields)}
            for keys, srid in (((LONGITUDE, LATITUDE), WGS84), ((X, Y), 0)):
                x, y = (next((fields[k] for k in axis if k in fields), None) for axis in keys)
                if x is not None and y is not None:
                    flat = column.flatten()
                    return (
                        *(numbers_of(flat[i], self.numbers, refuse, nan=True) for i in (x, y)),
                        np.full(count, srid),
                    )
        if pa.types.is_fixed_size_list(column.type) and source.is_declared:
            # GeoArrow's interleaved points: x, y and further dimensions.
            x, y = (pc.list_element(column, axis).cast(pa.float64()) for axis in (0, 1))
            return x, y, np.full(count, 0)
        points = points_of(_values(column), self.numbers, refuse)
        return (
            pa.array(shapely.get_x(points), from_pandas=True),
            pa.array(shapely.get_y(points), from_pandas=True),
            np.maximum(shapely.get_srid(points), 0),
        )

    def _whole(
        self, xs: Any, ys: Any, srids: npt.NDArray[np.int64], crs: object, refuse: Refuse
    ) -> tuple[Coordinates, Coordinates]:
        """Convert coordinates to degrees; incomplete ones, and those not on Earth, are refused."""
        x, y = (np.array(axis.to_numpy(zero_copy_only=False), np.float64) for axis in (xs, ys))
        is_half = np.isnan(x) != np.isnan(y)
        for index in np.flatnonzero(is_half):
            refuse(int(index), "latitude and longitude must both be given, or neither")
        is_zero = (x == 0) & (y == 0)
        self.at_zero += int(is_zero.sum())
        x[is_half | is_zero] = y[is_half | is_zero] = np.nan
        has_place = ~np.isnan(x)
        for srid in np.unique(srids[has_place]):
            of_srid = np.flatnonzero(has_place & (srids == srid))
            definition = crs if srid == 0 else None if srid == WGS84 else f"EPSG:{srid}"
            try:
                convert = self._conversion(definition)
            except ConfigurationError as error:
                for index in of_srid:
                    refuse(int(index), str(error).partition(";")[0])
                x[of_srid] = y[of_srid] = np.nan
                continue
            if convert is not None:
                before = x[of_srid], y[of_srid]
                x[of_srid], y[of_srid] = convert(*before)
                for at in np.flatnonzero(np.isnan(x[of_srid])):
                    place = float(before[0][at]), float(before[1][at])
                    refuse(int(of_srid[at]), f"{place} is outside {_called(definition)}")
        _refuse_off_earth(x, y, refuse, "" if crs else "; if it is not in degrees, give its --crs")
        return x, y

    def _conversion(self, definition: object) -> ToDegrees | None:
        """Return the conversion of a CRS to degrees; ``None`` if coordinates are in degrees."""
        if definition is None or str(definition) in {DEGREES, f"EPSG:{WGS84}"}:
            return None
        key = str(definition)
        if key not in self._conversions:
            crs = parse_crs(definition, self.table)
            self._conversions[key] = to_degrees(crs, self.table)
        return self._conversions[key]


def _called(definition: object) -> str:
    """Return a short name of a CRS."""
    return str(definition["name"]) if isinstance(definition, Mapping) else str(definition)[:80]


def _refuse_off_earth(
    longitude: Coordinates, latitude: Coordinates, refuse: Refuse, advice: str
) -> None:
    off = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
    for index in np.flatnonzero(off):
        try:
            check_position(float(latitude[index]), float(longitude[index]))
        except FaultError as fault:
            refuse(int(index), f"{fault}{advice}")
    longitude[off] = latitude[off] = np.nan


def _values(column: Any) -> list[object]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values: list[object] = column.to_pylist()
    return values
