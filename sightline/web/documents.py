"""The JSON documents of the page: what operations return, in the words that the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel

from sightline.contact_sheet.cards import is_imagery_insights
from sightline.model import CameraPose, PixelBounds, asset_name
from sightline.ports import (
    Facet,
    FacetCounts,
    ImageDetails,
    ImageSummary,
    MapPlaces,
    Neighbours,
    Selection,
)
from sightline.ports.gallery import AnswerDetail, DeadLetterDetail
from sightline.tasks import TaskSpec
from sightline.web.shown_text import without_places

CELLS_PER_TILE = 24
"""How many cells a tile of a map is wide; a tile is 360 degrees wide at zoom 0."""

_TITLES = {
    "asset_type": "Type",
    "month": "Month",
    "snapshot": "Snapshot",
    "answered": "Answered tasks",
    "dead": "Dead letters",
}


class ImageDocument(BaseModel):
    """An image with its current answers, and the reasons of its dead letters."""

    id: str
    asset_id: str
    asset_type: str
    snapshot: str
    latitude: float | None
    longitude: float | None
    heading: float | None
    captured: datetime | None
    score: float | None
    answers: Mapping[str, Mapping[str, object]]
    dead: Sequence[str]
    licensed: bool


class ImagesDocument(BaseModel):
    """A page of images; ``total`` is given with the first one, ``next`` is the next one's key.

    ``is_behind`` says that later answers are being read, so that it is worth asking again.
    """

    total: int | None
    images: Sequence[ImageDocument]
    next: str | None
    remarks: Sequence[str]
    is_behind: bool


class FacetValue(BaseModel):
    """A value of a facet; an empty ``value`` stands for images that have none."""

    value: str
    title: str
    count: int
    chosen: bool


class FacetDocument(BaseModel):
    """A facet with its values; ``others`` is the number of values that are not listed."""

    name: str
    title: str
    kind: str
    task: str | None
    values: Sequence[FacetValue]
    others: int


class Facets(BaseModel):
    """The number of selected images, and their counts by facet."""

    total: int
    facets: Sequence[FacetDocument]


class PlacesDocument(BaseModel):
    """Points (id, longitude, latitude, heading, asset type), or cells (longitude, latitude, n)."""

    images: int
    points: Sequence[tuple[str, float, float, float | None, str]]
    cells: Sequence[tuple[float, float, int]]
    extent: tuple[float, float, float, float] | None


class Answer(BaseModel):
    """An answer with its origin; ``titles`` are those of its fields."""

    task: str
    title: str
    answer: Mapping[str, object]
    titles: Mapping[str, str]
    model: str
    prompt_version: str
    current: bool
    by_asset: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    latency_ms: int | None
    attempt: int | None
    run: str
    written_at: datetime


class DeadLetter(BaseModel):
    """Why a part of an image failed permanently."""

    reason: str
    sentence: str
    detail: str
    part: str
    at: datetime
    replayable: bool


class Details(BaseModel):
    """Everything recorded about an image."""

    id: str
    asset_id: str
    asset_type: str
    snapshot: str
    uri: str
    latitude: float | None
    longitude: float | None
    captured: datetime | None
    bbox: PixelBounds | None
    camera_pose: CameraPose | None
    width: int | None = None
    height: int | None = None
    licensed: bool
    answers: Sequence[Answer]
    dead: Sequence[DeadLetter]
    embedded_by: Sequence[str]


class NearImage(ImageDocument):
    """An image, and how far it is away."""

    distance_m: float | None


class NeighboursDocument(BaseModel):
    """Other images of the same asset by time, and the nearest images of others."""

    same_asset: Sequence[NearImage]
    nearest: Sequence[NearImage]


def image(summary: ImageSummary, score: float | None) -> ImageDocument:
    """Return an image of a page."""
    return ImageDocument(**_fields(summary, score))


def facets(total: int, counts: Sequence[FacetCounts], selection: Selection) -> Facets:
    """Return the counts of the facets; those without any value are left out."""
    chosen = {name.facet: frozenset(name.values) for name in selection.facets}
    return Facets(
        total=total,
        facets=[
            _facet(count, chosen.get(count.facet.name, frozenset()))
            for count in counts
            if any(value for value, _ in count.values) or count.facet.name in chosen
        ],
    )


def places(shown: MapPlaces) -> PlacesDocument:
    """Return what a map shows."""
    around = shown.extent
    return PlacesDocument(
        images=shown.images,
        points=[
            (point.observation_id, point.longitude, point.latitude, point.heading, point.asset_type)
            for point in shown.points
        ],
        cells=[(cell.longitude, cell.latitude, cell.images) for cell in shown.cells],
        extent=(around.west, around.south, around.east, around.north) if around else None,
    )


def cell_degrees(zoom: float) -> float:
    """Return the edge of a map's cells, in degrees."""
    return float(360 / 2**zoom / CELLS_PER_TILE)


def details(image_details: ImageDetails, tasks: Mapping[str, TaskSpec]) -> Details:
    """Return everything recorded about an image; ``tasks`` are the active versions by name."""
    observation = image_details.observation
    return Details(
        id=observation.observation_id,
        asset_id=observation.asset_id,
        asset_type=observation.asset_type,
        snapshot=observation.snapshot_id,
        uri=observation.gcs_uri.rpartition("/")[2],
        latitude=observation.latitude,
        longitude=observation.longitude,
        captured=observation.capture_time,
        bbox=observation.bbox,
        camera_pose=observation.camera_pose,
        licensed=is_imagery_insights(observation.gcs_uri),
        answers=[_answer(answer, tasks.get(answer.task)) for answer in image_details.answers],
        dead=[_dead_letter(letter) for letter in image_details.dead_letters],
        embedded_by=image_details.embedded_by,
    )


def neighbours(nearby: Neighbours) -> NeighboursDocument:
    """Return the images that are near in time and in space."""
    return NeighboursDocument(
        same_asset=[NearImage(**_fields(it, None), distance_m=None) for it in nearby.same_asset],
        nearest=[NearImage(**_fields(it, None), distance_m=far) for it, far in nearby.nearest],
    )


def _fields(summary: ImageSummary, score: float | None) -> dict[str, object]:
    observation = summary.observation
    pose = observation.camera_pose
    return {
        "id": observation.observation_id,
        "asset_id": observation.asset_id,
        "asset_type": observation.asset_type,
        "snapshot": observation.snapshot_id,
        "latitude": observation.latitude,
        "longitude": observation.longitude,
        "heading": pose.heading if pose else None,
        "captured": observation.capture_time,
        "score": score,
        "answers": summary.answers,
        "dead": list(summary.dead),
        "licensed": is_imagery_insights(observation.gcs_uri),
    }


def _facet(count: FacetCounts, chosen: frozenset[str]) -> FacetDocument:
    facet = count.facet
    listed = dict(count.values)
    values = [*count.values, *((value, 0) for value in sorted(chosen - listed.keys()))]
    return FacetDocument(
        name=facet.name,
        title=_title(facet),
        kind=facet.kind,
        task=facet.task,
        values=[
            FacetValue(
                value=value, title=_value_title(facet, value), count=number, chosen=value in chosen
            )
            for value, number in values
        ],
        others=count.others,
    )


def _title(facet: Facet) -> str:
    if facet.name.startswith("model:"):
        return "Model and version"
    return _TITLES.get(facet.name) or _sentence(facet.field.name if facet.field else facet.name)


def _value_title(facet: Facet, value: str) -> str:
    if facet.name == "asset_type":
        return _sentence(asset_name(value))
    if facet.name in {"answered", "dead"}:
        return _sentence(value)
    if facet.field is not None and facet.field.type == "boolean":
        return {"true": "yes", "false": "no"}.get(value, value)
    if facet.field is not None and facet.field.type == "number":
        return value.replace("..", " to ")
    return value.replace("_", " ") if facet.field is None or facet.field.values else value


def _sentence(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _answer(answer: AnswerDetail, task: TaskSpec | None) -> Answer:
    cost = answer.cost_usd_micros
    return Answer(
        task=answer.task,
        title=_sentence(answer.task),
        answer=answer.answer,
        titles={field.name: _sentence(field.name) for field in (task.fields if task else ())},
        model=answer.model,
        prompt_version=answer.fingerprint[:12],
        current=answer.current,
        by_asset=answer.by_asset,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cost_usd=None if cost is None else cost / 1e6,
        latency_ms=answer.latency_ms,
        attempt=answer.attempt,
        run=answer.run_id,
        written_at=answer.written_at,
    )


def _dead_letter(letter: DeadLetterDetail) -> DeadLetter:
    return DeadLetter(
        reason=letter.reason.value,
        sentence=letter.reason.meaning,
        detail=without_places(letter.detail),
        part=letter.part,
        at=letter.at,
        replayable=True,
    )
