"""Layers of GeoPackages and Shapefiles as batches of columns, read with GDAL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pyarrow as pa

from sightline.extras import library
from sightline.geodata.gis_files import EXTRA, GisLayer, gdal_errors, open_layer
from sightline.local.importing.columns import PLAIN
from sightline.local.importing.geojson_tables import GEOMETRY
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import Tally

_BATCH_ROWS = 32_768
_NAME_OF_SHAPEFILE = 10
"""The most characters of a column name in a Shapefile."""

_UNNAMED_GEOMETRY = "wkb_geometry"
"""What GDAL calls the geometry of a format in which it has no name, such as Shapefile."""


@dataclass(frozen=True, slots=True)
class GisTableFile:
    """An opened layer."""

    path: Path
    layer: GisLayer
    schema: Any
    rows: int | None
    geometry: GeometryColumns

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:  # noqa: ARG002 - every row can be taken apart
        """Yield the rows of the named columns; the first row is row 1."""
        gdal, last = library("pyogrio", EXTRA), 0
        places = {name: index for index, name in enumerate(self.schema.names) if name in names}
        with gdal_errors(gdal, str(self.path)), _opened(gdal, self.layer) as (_, reader):
            for batch in reader:
                numbers = np.arange(last + 1, last + 1 + len(batch), dtype=np.int64)
                last += len(batch)
                columns = {name: _plain(batch.column(index)) for name, index in places.items()}
                yield RawBatch(columns, numbers)


def open_gis_table(path: Path) -> GisTableFile:
    """Open the named layer, or the only one that may have points.

    Raises:
        ConfigurationError: GDAL is missing or cannot open it, or several layers are possible.
    """
    layer = open_layer(path, "Point", str(path))
    gdal = library("pyogrio", EXTRA)
    with gdal_errors(gdal, str(path)):
        rows = gdal.read_info(layer.dataset, layer=layer.name)["features"]
        with _opened(gdal, layer) as (meta, reader):
            schema, crs = reader.schema, meta["crs"]
    names = _names(schema.names, layer)
    unnamed = names[_UNNAMED_GEOMETRY] if _UNNAMED_GEOMETRY in schema.names else None
    point = meta["geometry_name"] or unnamed
    return GisTableFile(
        path,
        layer,
        pa.schema([field.with_name(names.get(field.name, field.name)) for field in schema]),
        rows if rows >= 0 else None,
        GeometryColumns({point: crs} if point else {}),
    )


def _opened(gdal: ModuleType, layer: GisLayer) -> AbstractContextManager[Any]:
    """Return a context with a layer's description and the reader of its rows."""
    return cast(
        "AbstractContextManager[Any]",
        gdal.open_arrow(
            layer.dataset,
            layer=layer.name,
            batch_size=_BATCH_ROWS,
            use_pyarrow=True,
            return_fids=not layer.is_shapefile,  # there it is the number of the row
        ),
    )


def _names(columns: list[str], layer: GisLayer) -> dict[str, str]:
    """Return the names in the table of columns that a Shapefile has cut, or GDAL has named."""
    whole = [name for name in PLAIN if len(name) > _NAME_OF_SHAPEFILE and name not in columns]
    names = {name[:_NAME_OF_SHAPEFILE]: name for name in whole if layer.is_shapefile}
    is_taken = GEOMETRY in columns
    return names | {_UNNAMED_GEOMETRY: _UNNAMED_GEOMETRY if is_taken else GEOMETRY}


def _plain(column: Any) -> Any:
    """Return a column without its extension type, such as JSON's."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column
