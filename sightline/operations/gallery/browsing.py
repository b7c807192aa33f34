"""Browses the images of a warehouse: facets, pages, ranked hits, places and details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sightline.model import BoundingBox
from sightline.operations.search import SearchResult, search, similar
from sightline.ports import (
    Facet,
    FacetCounts,
    GalleryState,
    ImageDetails,
    ImageOrder,
    ImagePage,
    ImageSummary,
    MapPlaces,
    Neighbours,
    PageKey,
    Selection,
    Warehouse,
)

MOST_HITS = 1_000
"""The most hits of a ranked search."""

MOST_POINTS = 20_000
"""The most points on a map; above, cells are shown."""

CELLS_ACROSS = 128
"""How many cells a map is wide, about."""

NEAR_M = 50.0
"""How far the nearest images are looked for, in metres."""

MOST_NEIGHBOURS = 12


@dataclass(frozen=True, slots=True)
class RankedImage:
    """The id of an image, and its score: the cosine, from -1 to 1."""

    observation_id: str
    score: float | None


async def state(warehouse: Warehouse) -> GalleryState:
    """Return how current the images are."""
    return await warehouse.gallery.state()


async def facets(warehouse: Warehouse) -> Sequence[Facet]:
    """Return the facets that exist, in the order in which they are shown."""
    return await warehouse.gallery.facets()


async def counted(
    warehouse: Warehouse,
    selection: Selection,
    names: Sequence[str] | None = None,
    *,
    most_values: int = 30,
) -> tuple[int, Sequence[FacetCounts]]:
    """Return the number of selected images, and their counts by facets (by default, by all).

    Raises:
        NotFoundError: there is no such facet.
    """
    if names is None:
        names = [facet.name for facet in await facets(warehouse)]
    return await warehouse.gallery.counted(selection, names, most_values=most_values)


async def page(
    warehouse: Warehouse,
    selection: Selection,
    order: ImageOrder = "newest",
    *,
    after: PageKey | None = None,
    size: int = 60,
) -> ImagePage:
    """Return the selected images after a key; those without the ordered value come last."""
    return await warehouse.gallery.page(selection, order, after=after, size=size)


async def ranked(
    warehouse: Warehouse,
    selection: Selection,
    *,
    text: str | None = None,
    image: Path | None = None,
    like: str | None = None,
    named: str | None = None,
) -> tuple[SearchResult, Sequence[RankedImage]]:
    """Return up to ``MOST_HITS`` selected images by score, with the remarks on the search.

    Exactly one of words, an image file, and the id of an observation (``like``) is given. ``named``
    is the name of the file in an error.

    Raises:
        ConfigurationError: not exactly one is given, or the words or the image cannot be read.
        NotFoundError: nothing is embedded, or not this observation.
    """
    which = selection.filter
    if like is not None:
        result = await similar(warehouse, like, top=MOST_HITS, which=which, details=False)
    else:
        result = await search(
            warehouse, text, image=image, top=MOST_HITS, which=which, named=named, details=False
        )
    ids = tuple(hit.observation.observation_id for hit in result.hits)
    selected = await _selected(warehouse, selection, ids)
    is_cut = bool(selection.facets or selection.ids is not None) and len(ids) == MOST_HITS
    notes = (f"only the {MOST_HITS:,} most similar images were looked at",) if is_cut else ()
    hits = [hit for name, hit in zip(ids, result.hits, strict=True) if name in selected]
    return replace(result, hits=hits, notes=notes), [
        RankedImage(hit.observation.observation_id, hit.score) for hit in hits
    ]


async def _selected(
    warehouse: Warehouse, selection: Selection, ids: tuple[str, ...]
) -> frozenset[str]:
    """Return those of some images that pass the facets and ids of a selection."""
    chosen = frozenset(ids) if selection.ids is None else frozenset(ids) & set(selection.ids)
    if not selection.facets:
        return chosen
    among = Selection(facets=selection.facets, ids=tuple(chosen))
    first_page = await warehouse.gallery.page(among, "newest", after=None, size=MOST_HITS)
    return frozenset(image.observation.observation_id for image in first_page.images)


async def summaries(warehouse: Warehouse, ids: Sequence[str]) -> Sequence[ImageSummary]:
    """Return these images in this order, without those that do not exist."""
    return await warehouse.gallery.summaries(ids)


async def places(
    warehouse: Warehouse, selection: Selection, within: BoundingBox, *, cell: float | None = None
) -> MapPlaces:
    """Return the selected images within bounds; ``cell`` is the edge of a cell in degrees.

    By default, the bounds are about ``CELLS_ACROSS`` cells wide.
    """
    if cell is None:
        west, east = within.west, within.east
        width = east - west if west <= east else east + 360 - west
        cell = max(width / CELLS_ACROSS, 1e-6)
    return await warehouse.gallery.places(selection, within, cell=cell, most_points=MOST_POINTS)


async def details(warehouse: Warehouse, observation_id: str) -> ImageDetails:
    """Return everything recorded about an image.

    Raises:
        NotFoundError: there is no such image.
    """
    return await warehouse.gallery.details(observation_id)


async def neighbours(
    warehouse: Warehouse,
    observation_id: str,
    *,
    most: int = MOST_NEIGHBOURS,
    radius_m: float = NEAR_M,
) -> Neighbours:
    """Return other images of the same asset by time, and the nearest images of others.

    Raises:
        NotFoundError: there is no such image.
    """
    return await warehouse.gallery.neighbours(observation_id, most=most, radius_m=radius_m)
