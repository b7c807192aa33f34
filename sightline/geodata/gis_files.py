"""Reads GeoPackages and Shapefiles with GDAL: selects the layer of a file, folder or ZIP archive.

A layer of a file is named as in QGIS: ``signs.gpkg|layername=poles``.
"""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.extras import library

if TYPE_CHECKING:
    import shapely

EXTRA = "gis"
_LAYER = "|layername="
_LAYER_OTHERWISE = re.compile(
    r"(?P<file>.+\.(?:gpkg|zip|shp))[|:#?](?:layer_?(?:name)?[=:])?(?P<layer>[^|=]+)", re.IGNORECASE
)
_SHAPEFILE, _GEOPACKAGE = ".shp", ".gpkg"
_APPLICATIONS = (b"GPKG", b"GP10", b"GP11")
"""The bytes at offset 68 that mark an SQLite file as a GeoPackage."""
_SHAPES = b"\0\0\x27\x0a"
_ZIP = b"PK\x03\x04"
_PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".webp")
_MEANINGS = {
    "required GeoPackage tables": "it is a database of SQLite without the tables of a GeoPackage",
    "disk image is malformed": "it is cut off or damaged",
    "not recognized as being in a supported": "it is damaged, or not what its name says",
}
"""What errors of GDAL mean, by words in them."""

_ANY = ("Unknown", "GeometryCollection")


@dataclass(frozen=True, slots=True)
class GisLayer:
    """A layer: the dataset for GDAL, the layer's name, and its geometry type or ``None``."""

    dataset: str
    name: str
    geometry: str | None

    @property
    def is_shapefile(self) -> bool:
        """Whether column names are cut to ten characters."""
        return self.dataset.lower().endswith(_SHAPEFILE)

    def may_have(self, kind: str) -> bool:
        """Return whether its geometries may be of a type such as ``Polygon``."""
        return self.geometry is not None and (kind in self.geometry or self.geometry in _ANY)


def split_layer(path: Path) -> tuple[Path, str | None]:
    """Return the file, and the layer named after it."""
    file, marker, layer = str(path).partition(_LAYER)
    return Path(file), layer if marker else None


def meant_layer(path: Path) -> str:
    """Return the next step for a path that does not exist, if it names a layer in another way."""
    match = _LAYER_OTHERWISE.fullmatch(str(path))
    if match is None or not Path(match["file"]).exists():
        return ""
    return f"name the layer as '{match['file']}{_LAYER}{match['layer']}'"


def is_gis_file(path: Path) -> bool:
    """Return whether GDAL is needed: a GeoPackage, or a Shapefile as file, folder or archive.

    Raises:
        OSError: it cannot be read.
    """
    file, layer = split_layer(path)
    if layer is not None:
        file.stat()
        return True
    if file.is_dir():
        return bool(_shapefiles(file))
    with file.open("rb") as content:
        head = content.read(72)
    if head.startswith(_ZIP):
        return bool(_members(file))
    is_named_so = file.suffix.lower() in {_SHAPEFILE, _GEOPACKAGE}
    return is_named_so or head.startswith(_SHAPES) or head[68:] in _APPLICATIONS


def is_shapefile_folder(path: Path) -> bool:
    """Return whether a folder is a Shapefile's, not one of photographs beside a Shapefile."""
    return bool(_shapefiles(path)) and not any(
        file.suffix.lower() in _PHOTOGRAPHS for file in path.rglob("*")
    )


def open_layer(path: Path, kind: str, where: str) -> GisLayer:
    """Return the named layer, or the only one whose geometries may be of one of these types.

    If no layer can have such geometries, the only layer is returned.

    Raises:
        ConfigurationError: GDAL is missing or cannot open it, or several layers are possible.
    """
    file, name = split_layer(path)
    gdal = library("pyogrio", EXTRA)
    with gdal_errors(gdal, where):
        _check_parts(file, where, (".shx", ".dbf") if kind == "Point" else (".shx",))
        layers = [
            GisLayer(dataset, str(layer), geometry)
            for dataset in _datasets(file)
            for layer, geometry in gdal.list_layers(dataset)
        ]
    if name is not None:
        chosen = [layer for layer in layers if layer.name == name]
    else:
        chosen = [layer for layer in layers if layer.may_have(kind)] or layers
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(f"{layer.name} ({layer.geometry or 'no geometry'})" for layer in layers)
    example = f"'{file.name}{_LAYER}{layers[0].name}'" if layers else "another file"
    what = f"has no layer {name!r}" if name is not None else "has several layers"
    raise ConfigurationError(
        f"{where.partition(_LAYER)[0]} {what if layers else 'has no layer'}; it has"
        f" {listed or 'none'}: give one, as {example}"
    )


def layer_geometries(layer: GisLayer, where: str) -> Iterator[tuple[shapely.Geometry, object]]:
    """Yield the geometries of a layer in two dimensions, each with the layer's CRS.

    Raises:
        ConfigurationError: GDAL cannot read it.
    """
    import shapely  # noqa: PLC0415 - 0.1 s, and only needed for a map

    gdal = library("pyogrio", EXTRA)
    with gdal_errors(gdal, where):
        meta, _, encoded, _ = gdal.raw.read(
            layer.dataset, layer=layer.name, columns=[], force_2d=True
        )
        geometries = shapely.from_wkb(encoded) if encoded is not None else []
    for geometry in geometries:
        if geometry is not None and not geometry.is_empty:
            yield geometry, meta["crs"]


@contextmanager
def gdal_errors(gdal: ModuleType, where: str) -> Iterator[None]:
    """Turn GDAL's errors into a ConfigurationError that begins with ``where``."""
    import shapely  # noqa: PLC0415 - as above

    known = (gdal.errors.DataSourceError, gdal.errors.DataLayerError, gdal.errors.GeometryError)
    try:
        with warnings.catch_warnings():
            # Measures (the M of PointM) are dropped, since nothing here uses them; GDAL's warnings
            # either have no consequence or become errors.
            warnings.filterwarnings("ignore", message="Measured", category=UserWarning)
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            yield
    except (*known, shapely.errors.ShapelyError, zipfile.BadZipFile) as error:
        text = " ".join(str(error).partition(" It might help")[0].split())[:300]
        meaning = next((known for words, known in _MEANINGS.items() if words in text), text)
        raise ConfigurationError(f"{where}: {meaning}; export it again, e.g. by QGIS") from error


def _datasets(path: Path) -> list[str]:
    """Return the datasets for GDAL: the file itself, or those in a folder or an archive."""
    if path.is_dir():
        return [str(file) for file in _shapefiles(path)]
    if zipfile.is_zipfile(path):
        return [f"/vsizip/{path.absolute()}/{member}" for member in _members(path)]
    return [str(path)]


def _check_parts(path: Path, where: str, parts: tuple[str, ...]) -> None:
    """Check that these parts of each Shapefile are beside its ``.shp``, also in an archive.

    Raises:
        ConfigurationError: one is missing.
    """
    for dataset in map(Path, _datasets(path)):
        if dataset.suffix.lower() != _SHAPEFILE:
            continue
        if dataset.is_file():
            names = [file.name for file in dataset.parent.iterdir()]
        else:
            with zipfile.ZipFile(path) as archive:
                names = [Path(name).name for name in archive.namelist()]
        for part in parts:
            if (dataset.stem + part).lower() not in map(str.lower, names):
                raise ConfigurationError(
                    f"{where}: {dataset.stem}{part} is not beside {dataset.name}; copy all files of"
                    " the Shapefile"
                )


def _shapefiles(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() == _SHAPEFILE)


def _members(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
    except zipfile.BadZipFile:
        return []
    hidden = ("__MACOSX/", ".")
    return sorted(
        name
        for name in names
        if os.path.splitext(name)[1].lower() in {_SHAPEFILE, _GEOPACKAGE}  # noqa: PTH122 - no path
        and not name.startswith(hidden)
    )
