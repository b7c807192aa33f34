"""Reads the polygons in a file as one area in WGS 84 degrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import shapely
from shapely.errors import ShapelyError

from sightline.errors import ConfigurationError
from sightline.geodata.geojson import GeoJsonError, documents, features, geometries
from sightline.geodata.gis_files import (
    is_gis_file,
    layer_geometries,
    meant_layer,
    open_layer,
    split_layer,
)
from sightline.geodata.globe import NoAreaError, on_globe
from sightline.geodata.polygons import filled
from sightline.given_files import obstacle

_FORMATS = "give polygons as GeoJSON, GeoPackage or Shapefile, e.g. made by ogr2ogr"


def read_area(path: Path, option: str) -> shapely.Geometry:
    """Return the union of the polygons in a file; ``option`` names it.

    The file is GeoJSON, a GeoJSON sequence, a GeoPackage or a Shapefile (with its folder or in an
    archive). Other geometries in it are ignored. A CRS that the file declares is applied.

    Raises:
        ConfigurationError: the file has another format, contains no polygon, or its coordinates are
            outside its CRS.
    """
    where = f"{option} {path}"
    kinds: Counter[str] = Counter()
    areas = []
    try:
        for geometry, crs in _geometries(path, where):
            kinds[geometry.geom_type] += 1
            if geometry.geom_type in {"Polygon", "MultiPolygon"}:
                areas += [on_globe(part, crs, where) for part in shapely.get_parts(geometry)]
        area = filled(shapely.union_all(areas))
    except NoAreaError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    except ShapelyError as error:
        raise ConfigurationError(f"{where}: {error}; repair it, e.g. in QGIS") from error
    if not areas:
        other_kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        raise ConfigurationError(
            f"{where}: contains no polygon{other_kinds and f' but {other_kinds}'}; {_FORMATS}"
        )
    if area.is_empty:
        raise ConfigurationError(f"{where}: its polygons fill no area; give one that does")
    return area


def _geometries(path: Path, where: str) -> Iterator[tuple[shapely.Geometry, object]]:
    """Yield the geometries of a file, each with its declared CRS."""
    file, _ = split_layer(path)
    what = obstacle(file)
    if what and not (file.is_dir() and is_gis_file(path)):
        raise ConfigurationError(f"{where}: {what}; {meant_layer(path) or 'give a file'}")
    if is_gis_file(path):
        yield from layer_geometries(open_layer(path, "Polygon", where), where)
    else:
        yield from _geojson(path, where)


def _geojson(path: Path, where: str) -> Iterator[tuple[shapely.Geometry, object]]:
    """Yield the simple geometries of a GeoJSON file, each with its declared CRS."""
    try:
        for document in documents(path.read_bytes()):
            for feature in features(document):
                yield from geometries(feature.geometry, feature.crs)
    except GeoJsonError as error:
        raise ConfigurationError(f"{where}: is not GeoJSON: {error}; {_FORMATS}") from error
