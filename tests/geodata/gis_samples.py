"""Files as GIS programs export them: made by GDAL, which is also inside QGIS."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import geopandas


def written(frame: geopandas.GeoDataFrame, path: Path, layer: str | None = None) -> Path:
    """Write a frame as a GeoPackage or a Shapefile, by the path's suffix."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(longer than 10|[Ll]aundered|crs)")
        frame.to_file(path, layer=layer)
    return path


def zipped(path: Path, archive: Path, below: str = "") -> Path:
    """Put a Shapefile with its parts into an archive."""
    with zipfile.ZipFile(archive, "w") as opened:
        for part in sorted(path.parent.glob(f"{path.stem}.*")):
            if part != archive:
                opened.write(part, below + part.name)
    return archive
