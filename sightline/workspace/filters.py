"""The filters that select observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict, Unpack

from sightline.errors import ConfigurationError
from sightline.filters import build_filter
from sightline.model import Filter
from sightline.operations.search import answer_filters
from sightline.ports import AnswerFilter
from sightline.settings import Settings
from sightline.suggestions import did_you_mean

Time = datetime | str


class Where(TypedDict, total=False):
    """Selects the observations that pass all of these filters.

    ``asset_type`` is one or several, such as ``road_sign``; ``since`` and ``until`` bound the
    capture time; ``box`` is west, south, east, north in degrees; ``near`` latitude, longitude and
    metres; ``polygon`` a file: GeoJSON, GeoPackage or Shapefile.
    """

    asset_type: str | Sequence[str]
    since: Time | None
    until: Time | None
    box: tuple[float, float, float, float] | None
    near: tuple[float, float, float] | None
    polygon: str | Path | None


def filter_of(**where: Unpack[Where]) -> Filter:
    """Return the filter that combines all of these.

    Raises:
        ConfigurationError: one of them is not accepted.
    """
    unknown = where.keys() - Where.__annotations__.keys()
    if unknown:
        raise ConfigurationError(
            f"{', '.join(sorted(unknown))}: not a filter"
            f"{did_you_mean(min(unknown), Where.__annotations__)}; give one of"
            f" {', '.join(Where.__annotations__)}"
        )
    types = where.get("asset_type", ())
    polygon = where.get("polygon")
    return build_filter(
        asset_types=several(types),
        captured_from=_text(where.get("since")),
        captured_until=_text(where.get("until")),
        box=_numbers(where.get("box")),
        near=_numbers(where.get("near")),
        polygon=Path(polygon) if polygon is not None else None,
    )


def several(names: str | Sequence[str]) -> Sequence[str]:
    """Return names as a sequence; a text is one name."""
    return (names,) if isinstance(names, str) else names


def answers_of(
    answers: Mapping[str, object] | None, settings: Settings
) -> tuple[AnswerFilter, ...]:
    """Return the filters for a mapping such as ``{"road_signs.condition": "faded"}``.

    Raises:
        ConfigurationError, NotFoundError: a name or a value is not one of the task's.
    """
    texts = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in (answers or {}).items()
    ]
    return answer_filters(texts, settings)


def _text(time: Time | None) -> str | None:
    return time.isoformat() if isinstance(time, datetime) else time


def _numbers(numbers: Sequence[float] | None) -> str | None:
    return None if numbers is None else ",".join(map(repr, numbers))
