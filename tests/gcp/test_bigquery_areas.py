"""Conditions for areas match the same places in BigQuery as in the local engine."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.affinity import translate

from sightline.gcp.bigquery.selection import WIDEST, condition
from sightline.geodata.polygons import POLAR, filled, without_seams
from sightline.model import Filter

LONGITUDES = st.sampled_from((-180.0, -179.0, -120.5, -61.0, 0.0, 0.5, 60.0, 121.0, 180.0))
PLACES = st.tuples(
    LONGITUDES | st.floats(-180, 180), st.sampled_from((-90.0, 90.0)) | st.floats(-89, 89)
)


@st.composite
def areas(draw: st.DrawFn) -> shapely.Geometry:
    """Draw an area between -180 and 180 out of boxes, some of them across the antimeridian."""
    boxes = []
    for _ in range(draw(st.integers(1, 3))):
        west, width = draw(LONGITUDES), draw(st.sampled_from((5.0, 90.0, 150.0, 360.0)))
        south = draw(st.sampled_from((-90.0, -80.0, 10.0, 60.0)))
        north = draw(st.sampled_from((80.0, 90.0)))
        boxes.append(shapely.box(west, south, west + width, north))
    around = shapely.union_all(boxes)
    east = filled(around & shapely.box(180, -90, 540, 90))
    return filled(shapely.union_all([filled(around & shapely.box(-180, -90, 180, 90)),
                                     translate(east, -360)]))  # fmt: skip


def queries(area: shapely.Geometry, longitude: float, latitude: float) -> bool:
    """Return what the condition for BigQuery says of a place, its functions said by shapely."""
    which = condition(Filter(polygon_wkt=area.wkt))
    turned = longitude - 180 if longitude > 0 else longitude + 180
    for name, value in which.values.items():
        if name.startswith("polygon"):
            part = shapely.from_wkt(value)
            check_shape(part, slices=name != "polygon")
            x = turned if name == "polygon_turned" else longitude
            if shapely.contains_xy(part, x, latitude):
                return True
    return ("north_pole_south" in which.values and latitude >= POLAR) or (
        "south_pole_north" in which.values and latitude <= -POLAR
    )


def check_shape(part: shapely.Geometry, *, slices: bool) -> None:
    """Check that a sphere cannot misread it: narrow, within the map, counterclockwise."""
    west, south, east, north = part.bounds
    assert part.is_valid
    assert east - west <= (WIDEST + 2 if slices else WIDEST)
    assert max(abs(south), abs(north)) <= POLAR
    assert max(abs(west), abs(east)) < 180 or not slices
    shells: Sequence[shapely.Polygon] = shapely.get_parts(part)
    assert all(shell.exterior.is_ccw for shell in shells)


@given(areas(), PLACES)
def test_every_place_is_inside_for_both_engines_or_for_none(
    area: shapely.Geometry, place: tuple[float, float]
) -> None:
    longitude, latitude = place
    whole = without_seams(area)
    on_edge = shapely.Point(longitude, latitude).distance(whole.boundary) < 1e-6
    assume(not on_edge or abs(latitude) == 90)
    assert queries(area, longitude, latitude) == bool(
        shapely.contains_xy(whole, longitude, latitude)
    )
