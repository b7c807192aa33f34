"""Layers of GeoPackages and Shapefiles as batches of columns, read with GDAL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import Tally

_BATCH_ROWS = 32_768
_NAME_OF_SHAPEFILE = 10
"""The most characters of a column name in a Shapefile."""


@dataclass(frozen=True, slots=True)
class GisTableFile:
    """An opened layer; ``own_names`` maps our names to those of the file, where they differ."""

    path: Path
    layer: GisLayer
    schema: Any
    rows: int | None
    geometry: GeometryColumns
    own_names: Mapping[str, str]

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
            point = meta["geometry_name"] or "wkb_geometry"
    own_names = _full_names(schema.names) if layer.is_shapefile else {}
    ours = {own: name for name, own in own_names.items()}
    return GisTableFile(
        path,
        layer,
        pa.schema([field.with_name(ours.get(field.name, field.name)) for field in schema]),
        rows if rows >= 0 else None,
        GeometryColumns({point: crs} if point in schema.names else {}),
        own_names,
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


def _full_names(names: list[str]) -> dict[str, str]:
    """Return our names of columns that a Shapefile has cut, each with the cut name."""
    return {
        name: name[:_NAME_OF_SHAPEFILE]
        for name in PLAIN
        if len(name) > _NAME_OF_SHAPEFILE
        and name[:_NAME_OF_SHAPEFILE] in names
        and name not in names
    }


def _plain(column: Any) -> Any:
    """Return a column without its extension type, such as JSON's."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column
