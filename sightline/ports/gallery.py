"""The images of a warehouse, for browsing: in pages, by facets, on a map, and in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from sightline.model import BoundingBox, Filter, Observation
from sightline.reasons import Reason
from sightline.tasks import FieldSpec

FacetKind = Literal["text", "number", "month"]
"""``number``: values are bins, as ``0.2..0.4`` (the upper bound is not in it)."""

ImageOrder = Literal["newest", "oldest", "asset"]

MISSING = ""
"""The value of an image that has none."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A property by which images are counted and chosen.

    ``name`` is ``asset_type``, ``snapshot``, ``month``, ``answered`` (tasks that have an answer),
    ``dead`` (reasons of dead letters), ``model:TASK`` (the model and version of the answer), or
    ``TASK.FIELD``, which has the ``field``.
    """

    name: str
    kind: FacetKind
    task: str | None = None
    field: FieldSpec | None = None


@dataclass(frozen=True, slots=True)
class FacetFilter:
    """Keep images that have one of these values, or that lack any (``MISSING``)."""

    facet: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Images that pass the filter (its limit is not used) and every facet.

    ``ids``, unless ``None``, are the only observations to choose among.
    """

    filter: Filter = field(default_factory=Filter)
    facets: tuple[FacetFilter, ...] = ()
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """How many images have each value, the most frequent first; bins and months in their order.

    An image with a list counts under each member. ``others`` is the number of values not listed.
    """

    facet: Facet
    values: Sequence[tuple[str, int]]
    others: int = 0


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """An image with its current answers by task, and the reasons of its dead letters."""

    observation: Observation
    answers: Mapping[str, Mapping[str, object]]
    dead: Sequence[Reason] = ()


@dataclass(frozen=True, slots=True)
class PageKey:
    """The position after an image: its value in the order, and its id."""

    value: str
    observation_id: str


@dataclass(frozen=True, slots=True)
class ImagePage:
    """A page of images; ``following`` is the key of the next one, ``None`` at the end."""

    images: Sequence[ImageSummary]
    following: PageKey | None


@dataclass(frozen=True, slots=True)
class MapPoint:
    """An image on a map, in WGS 84 degrees; ``heading`` is the camera's, in degrees from north."""

    observation_id: str
    asset_type: str
    latitude: float
    longitude: float
    heading: float | None


@dataclass(frozen=True, slots=True)
class MapCell:
    """The mean position of the images in a cell, in WGS 84 degrees, and their number."""

    latitude: float
    longitude: float
    images: int


@dataclass(frozen=True, slots=True)
class MapPlaces:
    """The images within bounds: as points, or as cells if there are too many.

    ``extent`` has the positions of all selected images, in the bounds or not; ``None`` without any.
    """

    images: int
    points: Sequence[MapPoint]
    cells: Sequence[MapCell]
    extent: BoundingBox | None


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """An answer with its provenance; ``current`` if it is the one at the active fingerprint."""

    task: str
    answer: Mapping[str, object]
    model: str
    fingerprint: str
    current: bool
    by_asset: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd_micros: int | None
    latency_ms: int | None
    attempt: int | None
    run_id: str
    worker_id: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterDetail:
    """Why a part of an image failed permanently; ``part`` is a task, or the embedding's model."""

    reason: Reason
    detail: str
    part: str
    part_key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """Everything recorded about an image: answers, newest first; models that embedded it."""

    observation: Observation
    answers: Sequence[AnswerDetail]
    dead_letters: Sequence[DeadLetterDetail]
    embedded_by: Sequence[str]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other images of the same asset by time, and the nearest others, with distances in metres."""

    same_asset: Sequence[ImageSummary]
    nearest: Sequence[tuple[ImageSummary, float]]


@dataclass(frozen=True, slots=True)
class GalleryState:
    """Images are shown as they were ``as_of``; ``is_behind`` if there are later writes.

    ``fault`` is the sentence of why later ones cannot be shown; empty if there is none.
    """

    as_of: datetime
    is_behind: bool = False
    fault: str = ""


class Gallery(Protocol):
    """Browses the images that were ever enqueued, with what is recorded about them."""

    async def state(self) -> GalleryState:
        """Return how current the images are that the other methods return."""
        ...

    async def facets(self) -> Sequence[Facet]:
        """Return the facets that exist, in the order in which they are shown."""
        ...

    async def counted(
        self, selection: Selection, facets: Sequence[str], *, most_values: int = 30
    ) -> tuple[int, Sequence[FacetCounts]]:
        """Return the number of selected images, and their counts by facets.

        Each facet is counted without the selection's own condition on it, so that its other values
        stay visible.

        Raises:
            NotFoundError: there is no such facet.
        """
        ...

    async def page(
        self, selection: Selection, order: ImageOrder, *, after: PageKey | None, size: int
    ) -> ImagePage:
        """Return the selected images after a key; those without the ordered value come last."""
        ...

    async def summaries(self, ids: Sequence[str]) -> Sequence[ImageSummary]:
        """Return these images in this order, without those that do not exist."""
        ...

    async def places(
        self, selection: Selection, within: BoundingBox, *, cell: float, most_points: int
    ) -> MapPlaces:
        """Return the selected images within bounds; ``cell`` is the edge of a cell in degrees."""
        ...

    async def details(self, observation_id: str) -> ImageDetails:
        """Return everything recorded about an image.

        Raises:
            NotFoundError: there is no such image.
        """
        ...

    async def neighbours(self, observation_id: str, *, most: int, radius_m: float) -> Neighbours:
        """Return up to ``most`` images of the same asset, and as many of the nearest others.

        Raises:
            NotFoundError: there is no such image.
        """
        ...
