"""Common names of coordinate columns, compared without case, spaces and punctuation."""

from __future__ import annotations

LATITUDE = (
    *("latitude", "lat", "locationlatitude", "locationlat", "gpslatitude", "gpslat"),
    *("decimallatitude", "latitudedeg", "latdeg", "latitudewgs84", "latwgs84"),
)
LONGITUDE = (
    *("longitude", "lon", "lng", "long", "locationlongitude", "locationlon", "locationlng"),
    *("gpslongitude", "gpslon", "gpslng", "gpslong", "decimallongitude", "longitudedeg", "londeg"),
    *("longitudewgs84", "lonwgs84", "lngwgs84"),
)
X = ("x", "easting", "xcoord", "xcoordinate", "coordx", "pointx", "locationx")
Y = ("y", "northing", "ycoord", "ycoordinate", "coordy", "pointy", "locationy")
POINTS = (
    *("location", "geometry", "geom", "thegeom", "wkbgeometry", "geography", "geog", "geopoint"),
    *("wkt", "wktgeom", "wkb", "ewkb", "ewkt", "geojson", "coordinates", "latlng", "latlon"),
)
"""Names of columns that hold a whole position."""

CORNERS = (
    ("xmin", "minx", "left", "x1"),
    ("ymin", "miny", "top", "y1"),
    ("xmax", "maxx", "right", "x2"),
    ("ymax", "maxy", "bottom", "y2"),
)
"""The edges of pixel bounds, by their names."""

SIZED = (("x", "left", "xmin"), ("y", "top", "ymin"), ("width", "w"), ("height", "h"))
"""A corner and the size of pixel bounds, by their names."""


def folded(name: str) -> str:
    """Return a name in the form for comparison: ``GPS_Latitude`` is ``gpslatitude``."""
    return "".join(character for character in name.casefold() if character.isalnum())
