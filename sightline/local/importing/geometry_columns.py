"""The columns that a file declares as geometry, and their CRS: GeoParquet, GeoArrow, Parquet.

GeoParquet describes them in the key ``geo`` (https://geoparquet.org/releases/v1.1.0/), GeoArrow in
the metadata of the field (https://geoarrow.org/extension-types.html), and Parquet itself in the
logical types GEOMETRY and GEOGRAPHY.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sightline.geodata.crs import DEGREES

_EXTENSIONS = ("geoarrow.", "ogc.")


@dataclass(frozen=True, slots=True)
class GeometryColumns:
    """Declared columns of geometry, the primary one first, and the CRS of each.

    A CRS is anything that ``parse_crs`` accepts; ``None`` if a file declares that it is not known.
    ``coverings`` are columns that contain only the bounds of geometries.
    """

    crs: Mapping[str, object] = field(default_factory=dict)
    coverings: frozenset[str] = frozenset()


def declared_geometry(schema: Any, parquet_schema: Any = None) -> GeometryColumns:
    """Return the geometry columns that an Arrow schema, or its Parquet schema, declares."""
    metadata = schema.metadata or {}
    crs = {column.name: declared for column in schema for declared in _by_extension(column)}
    if parquet_schema is not None:
        crs |= _by_parquet(parquet_schema, metadata)
    described = _loaded(metadata.get(b"geo"))
    columns = _object(described.get("columns"))
    primary = described.get("primary_column")
    for name in sorted(columns, key=lambda name: name != primary):
        crs[name] = _object(columns[name]).get("crs", DEGREES)
    ordered = dict(sorted(crs.items(), key=lambda item: item[0] != primary))
    coverings = {
        path[0]
        for column in columns.values()
        for path in _object(_object(_object(column).get("covering")).get("bbox")).values()
        if isinstance(path, list) and path
    }
    return GeometryColumns(
        {name: definition for name, definition in ordered.items() if name in schema.names},
        frozenset(coverings),
    )


def _by_extension(column: Any) -> tuple[object, ...]:
    """Return the CRS of a field of GeoArrow; nothing for other fields."""
    metadata = column.metadata or {}
    name = metadata.get(b"ARROW:extension:name", b"").decode(errors="replace")
    details = metadata.get(b"ARROW:extension:metadata")
    if not name:  # the type is registered in this process
        name = getattr(column.type, "extension_name", "")
        details = column.type.__arrow_ext_serialize__() if name.startswith(_EXTENSIONS) else None
    return (_loaded(details).get("crs"),) if name.startswith(_EXTENSIONS) else ()


def _by_parquet(schema: Any, metadata: Mapping[bytes, bytes]) -> dict[str, object]:
    """Return the CRS of each column of the logical types GEOMETRY and GEOGRAPHY."""
    crs: dict[str, object] = {}
    for index in range(len(schema)):
        column = schema.column(index)
        logical = _loaded(column.logical_type.to_json().encode())
        if logical.get("Type") in {"Geometry", "Geography"}:
            kind, _, rest = str(logical.get("crs") or DEGREES).partition(":")
            if kind == "srid":
                crs[column.path] = f"EPSG:{rest}"
            elif kind == "projjson":
                crs[column.path] = metadata.get(rest.encode(), b"").decode(errors="replace")
            else:
                crs[column.path] = logical.get("crs") or DEGREES
    return crs


def _loaded(text: bytes | None) -> Mapping[str, Any]:
    try:
        return _object(json.loads(text or b"{}"))
    except ValueError:
        return {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
