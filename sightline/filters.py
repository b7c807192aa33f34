"""Reads filters as people write them: boxes, circles, GeoJSON, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.geodata.areas import read_area
from sightline.model import BoundingBox, Filter, Radius, asset_class

MOST_SUBJECTS = 2**31 - 1


def build_filter(
    *,
    asset_types: Sequence[str] = (),
    captured_from: str | None = None,
    captured_until: str | None = None,
    box: str | None = None,
    near: str | None = None,
    polygon: Path | None = None,
    limit: int | None = None,
) -> Filter:
    """Return the filter that these texts mean.

    ``box`` is ``WEST,SOUTH,EAST,NORTH`` and ``near`` is ``LAT,LON,METRES``, in WGS 84 degrees.

    Raises:
        ConfigurationError: naming the option, its value and an accepted value.
    """
    if limit is not None and not 1 <= limit <= MOST_SUBJECTS:
        raise ConfigurationError(f"--limit {limit} is not accepted; give 1 to {MOST_SUBJECTS}")
    since, until = parse_time(captured_from, "--from"), parse_time(captured_until, "--until")
    if since is not None and until is not None and since >= until:
        raise ConfigurationError(
            f"--from {captured_from} is not before --until {captured_until}, so nothing can be"
            " between them; exchange them, or give a later --until"
        )
    return Filter(
        asset_types=tuple(dict.fromkeys(_asset_class(name) for name in asset_types)),
        captured_from=since,
        captured_until=until,
        box=parse_box(box),
        radius=parse_radius(near),
        polygon_wkt=read_polygon(polygon),
        limit=limit,
        polygon_file="" if polygon is None else str(polygon),
    )


def _asset_class(name: str) -> str:
    if not name.strip():
        raise ConfigurationError("--asset-type is empty; give one such as road_sign")
    return asset_class(name)


def parse_time(text: str | None, option: str) -> datetime | None:
    """Return a moment; without a zone it is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{option} {text!r} is not a valid time; give one such as 2026-05-01 or"
            " 2026-05-01T08:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _numbers(text: str, count: int, option: str, example: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(value) < float("inf") for value in values):
        raise ConfigurationError(f"{option} {text!r} is not accepted; give {example}")
    return values


def parse_box(text: str | None) -> BoundingBox | None:
    """Return a box; west may be greater than east, across the antimeridian."""
    if text is None:
        return None
    example = "WEST,SOUTH,EAST,NORTH such as 5.10,52.05,5.15,52.10"
    west, south, east, north = _numbers(text, 4, "--box", example)
    if _is_box(west, south, east, north):
        return BoundingBox(west, south, east, north)
    exchanged = (south, west, north, east)
    if max(abs(south), abs(north)) > 90 and _is_box(*exchanged):
        raise _exchanged("--box", text, f"{south:g},{west:g},{north:g},{east:g}", example)
    if _is_box(west, north, east, south):
        meant = f"{west:g},{north:g},{east:g},{south:g}"
        raise ConfigurationError(
            f"--box {text!r}: its south, {south:g}, is greater than its north, {north:g} (did you"
            f" mean {meant}?); give {example}"
        )
    raise ConfigurationError(f"--box {text!r} is not a valid box in degrees; give {example}")


def _is_box(west: float, south: float, east: float, north: float) -> bool:
    return abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90


def _exchanged(option: str, text: str, meant: str, example: str) -> ConfigurationError:
    return ConfigurationError(
        f"{option} {text!r}: latitude and longitude are exchanged (did you mean {meant}?); give"
        f" {example}"
    )


def parse_radius(text: str | None) -> Radius | None:
    """Return a circle on the sphere."""
    if text is None:
        return None
    example = "LAT,LON,METRES such as 52.09,5.12,500"
    latitude, longitude, radius_m = _numbers(text, 3, "--near", example)
    if abs(longitude) <= 90 < abs(latitude) <= 180 and radius_m > 0:
        raise _exchanged("--near", text, f"{longitude:g},{latitude:g},{radius_m:g}", example)
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and radius_m > 0):
        raise ConfigurationError(f"--near {text!r} is not a valid circle; give {example}")
    return Radius(latitude, longitude, radius_m)


def read_polygon(path: Path | None) -> str | None:
    """Return the area in a file, as well-known text."""
    return None if path is None else str(read_area(path, "--polygon").wkt)
