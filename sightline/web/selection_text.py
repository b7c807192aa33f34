"""The state of the page as text: what a query in the address bar selects, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args
from urllib.parse import parse_qsl

from sightline.errors import ConfigurationError
from sightline.filters import build_filter
from sightline.geodata.polygons import filled
from sightline.model import Filter
from sightline.ports import FacetFilter, ImageOrder, Selection
from sightline.suggestions import did_you_mean

FACET = "f."
ORDERS: tuple[str, ...] = get_args(ImageOrder)
NAMES = (
    "q", "like", "image", "type", "from", "until", "box", "near", "poly", "ids", "sort", "open",
)  # fmt: skip
OF_REQUESTS = frozenset({"after", "size", "within", "zoom"})
"""Parameters of a request that are not part of the state."""
MOST_IDS = 1000
MOST_VERTICES = 2000


@dataclass(frozen=True, slots=True)
class PageState:
    """What a query selects; at most one of ``words``, ``like`` and ``image`` ranks it.

    ``image`` is the key of an uploaded picture. ``remarks`` name parameters that are not known.
    """

    selection: Selection
    order: ImageOrder = "newest"
    words: str | None = None
    like: str | None = None
    image: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def is_ranked(self) -> bool:
        """Whether a search ranks the images."""
        return (self.words, self.like, self.image) != (None, None, None)


def read_query(query: str) -> PageState:
    """Return what a query string means.

    Raises:
        ConfigurationError: a parameter is not accepted; the error names it.
    """
    return read_state(parse_qsl(query, keep_blank_values=True, errors="replace"))


def read_state(pairs: Iterable[tuple[str, str]]) -> PageState:
    """Return what the parameters of a query mean; raises as ``read_query`` does."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    ranked = {
        name: values[name][-1] for name in ("q", "like", "image") if any(values.get(name, ()))
    }
    if len(ranked) > 1:
        raise ConfigurationError(
            f"{' and '.join(ranked)} exclude each other; search for one of them"
        )
    return PageState(
        Selection(_filter(values), _facets(values), _ids(values)),
        _order(_last(values, "sort")),
        ranked.get("q"),
        ranked.get("like"),
        ranked.get("image"),
        tuple(_remarks(values)),
    )


def _last(values: dict[str, list[str]], name: str) -> str | None:
    return (values.get(name) or [""])[-1] or None


def _filter(values: dict[str, list[str]]) -> Filter:
    try:
        chosen = build_filter(
            asset_types=[name for name in values.get("type", ()) if name],
            captured_from=_last(values, "from"),
            captured_until=_last(values, "until"),
            box=_last(values, "box"),
            near=_last(values, "near"),
        )
    except ConfigurationError as error:
        raise ConfigurationError(str(error).replace("--", "")) from error
    drawn = _last(values, "poly")
    if drawn is None:
        return chosen
    return Filter(
        chosen.asset_types, chosen.captured_from, chosen.captured_until, chosen.box, chosen.radius,
        polygon_wkt=_area(drawn),
    )  # fmt: skip


def _area(text: str) -> str:
    """Return a line that was drawn around an area as well-known text; it may cross itself."""
    import shapely  # noqa: PLC0415 - 0.1 s, and only for an area
    from shapely.errors import GEOSException  # noqa: PLC0415

    example = "lon,lat;lon,lat;lon,lat"
    try:
        vertices = [tuple(map(float, pair.split(","))) for pair in text.split(";")]
        good = 3 <= len(vertices) <= MOST_VERTICES and all(
            len(vertex) == 2 and abs(vertex[0]) <= 180 and abs(vertex[1]) <= 90
            for vertex in vertices
        )
        area = filled(shapely.make_valid(shapely.Polygon(vertices))) if good else None
    except (ValueError, GEOSException):
        area = None
    if area is None or area.is_empty:
        raise ConfigurationError(
            f"poly {text[:60]!r} is not an area; give {MOST_VERTICES:,} positions at most, as"
            f" {example}"
        )
    return str(area.wkt)


def _facets(values: dict[str, list[str]]) -> tuple[FacetFilter, ...]:
    return tuple(
        FacetFilter(name.removeprefix(FACET), tuple(dict.fromkeys(chosen)))
        for name, chosen in values.items()
        if name.startswith(FACET)
    )


def _ids(values: dict[str, list[str]]) -> tuple[str, ...] | None:
    text = _last(values, "ids")
    if text is None:
        return None
    ids = tuple(dict.fromkeys(filter(None, text.split(","))))
    if len(ids) > MOST_IDS:
        raise ConfigurationError(f"ids has {len(ids):,} ids; give at most {MOST_IDS:,}")
    return ids


def _order(name: str | None) -> ImageOrder:
    for order in get_args(ImageOrder):
        if name == order:
            known: ImageOrder = order
            return known
    if name is None:
        return "newest"
    raise ConfigurationError(
        f"sort {name!r} is not accepted{did_you_mean(name, ORDERS)}; give one of"
        f" {', '.join(ORDERS)}"
    )


def _remarks(values: dict[str, Sequence[str]] | dict[str, list[str]]) -> Iterable[str]:
    for name in values:
        if name not in NAMES and name not in OF_REQUESTS and not name.startswith(FACET):
            yield f"{name[:60]} is not a filter{did_you_mean(name, NAMES)}; it was ignored"
