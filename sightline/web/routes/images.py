"""Images of a selection: pages, counts by facet, places, and details."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request

from sightline.errors import ConfigurationError
from sightline.filters import parse_box
from sightline.operations.gallery import browsing
from sightline.operations.gallery.ranked_hits import RankedHits
from sightline.ports import ImageOrder, PageKey
from sightline.web import documents
from sightline.web.access.limits import RateLimit
from sightline.web.access.roles import Visitor
from sightline.web.project import OpenProject, project_of
from sightline.web.routes.session import visitor_of
from sightline.web.selection_text import PageState, read_state

router = APIRouter(prefix="/api")
Project = Annotated[OpenProject, Depends(project_of)]


def state_of(request: Request) -> PageState:
    """Return what the query of a request selects: a dependency of routes."""
    return read_state(request.query_params.multi_items())


State = Annotated[PageState, Depends(state_of)]

SEARCHES = RateLimit(5, 50)
"""How often a visitor may search, which asks a model."""


def check_searches(visitor: Annotated[Visitor, Depends(visitor_of)], state: State) -> None:
    """Refuse a search of a visitor who searches too often: a dependency of routes."""
    if state.is_ranked:
        SEARCHES.take(visitor.name)


@router.get("/images", dependencies=[Depends(check_searches)])
async def images(
    project: Project,
    state: State,
    after: str | None = None,
    size: Annotated[int, Query(ge=1, le=200)] = 60,
) -> documents.ImagesDocument:
    """Return a page of the selected images, in their order or by score."""
    current = await browsing.state(project.warehouse)
    faults = [current.fault] if current.fault else []
    if state.is_ranked:
        hits = await ranked_hits(project, state)
        start = _rank(after)
        scores = {hit.observation_id: hit.score for hit in hits.images[start : start + size]}
        page = await browsing.summaries(project.warehouse, list(scores))
        following = str(start + size) if len(hits.images) > start + size else None
        return documents.ImagesDocument(
            total=len(hits.images),
            images=[documents.image(it, scores[it.observation.observation_id]) for it in page],
            next=following,
            remarks=[*state.remarks, *hits.remarks, *faults],
            is_behind=current.is_behind,
        )
    warehouse = project.warehouse
    image_page = await browsing.page(
        warehouse, state.selection, state.order, after=_key(after, state.order), size=size
    )
    total = None if after else (await browsing.counted(warehouse, state.selection, []))[0]
    return documents.ImagesDocument(
        total=total,
        images=[documents.image(image, None) for image in image_page.images],
        next=_text(image_page.following),
        remarks=[*state.remarks, *faults],
        is_behind=current.is_behind,
    )


@router.get("/facets")
async def facets(project: Project, state: State) -> documents.Facets:
    """Return the number of selected images, and their counts by facet."""
    total, counts = await browsing.counted(project.warehouse, state.selection)
    return documents.facets(total, counts, state.selection)


@router.get("/places")
async def places(
    project: Project, state: State, within: str, zoom: Annotated[float, Query(ge=0, le=24)] = 0
) -> documents.PlacesDocument:
    """Return the selected images within bounds (west, south, east, north), as points or cells."""
    bounds = parse_box(within)
    if bounds is None:
        raise ConfigurationError("within is empty; give WEST,SOUTH,EAST,NORTH")
    cell = documents.cell_degrees(zoom)
    return documents.places(
        await browsing.places(project.warehouse, state.selection, bounds, cell=cell)
    )


@router.get("/images/{observation_id}")
async def details(project: Project, observation_id: str) -> documents.Details:
    """Return everything recorded about an image."""
    tasks = {task.name: task for task in await project.warehouse.answers.tasks()}
    recorded = await browsing.details(project.warehouse, observation_id)
    shown = documents.details(recorded, tasks)
    size = await project.pictures.original_size(recorded.observation.gcs_uri)
    shown.width, shown.height = size or (None, None)
    return shown


@router.get("/images/{observation_id}/neighbours")
async def neighbours(project: Project, observation_id: str) -> documents.NeighboursDocument:
    """Return other images of the same asset, and the nearest images of others."""
    return documents.neighbours(await browsing.neighbours(project.warehouse, observation_id))


async def ranked_hits(project: OpenProject, state: PageState) -> RankedHits:
    """Return the images that a search ranks, best first."""

    async def search() -> RankedHits:
        result, ranked = await browsing.ranked(
            project.warehouse,
            state.selection,
            text=state.words,
            like=state.like,
            image=image,
            named="the picture",
        )
        return RankedHits(ranked, result.remarks)

    image = project.query_images.path(state.image) if state.image is not None else None
    key = (state.words, state.like, state.image, state.selection)
    return await project.searches.hits(key, search)


def _rank(after: str | None) -> int:
    if after is None:
        return 0
    if not after.isdecimal():
        raise _bad_key(after)
    return int(after)


def _text(key: PageKey | None) -> str | None:
    """Return a key as a text for an address."""
    if key is None:
        return None
    return urlsafe_b64encode(orjson.dumps([key.value, key.observation_id])).decode().rstrip("=")


def _key(text: str | None, order: ImageOrder) -> PageKey | None:
    if text is None:
        return None
    try:
        value, observation_id = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, binascii.Error) as error:
        raise _bad_key(text) from error
    if not (isinstance(value, str) and isinstance(observation_id, str)):
        raise _bad_key(text)
    if order != "asset" and not re.fullmatch(r"(-?[0-9]{1,18})?", value):
        raise _bad_key(text)  # the key of another order
    return PageKey(value, observation_id)


def _bad_key(text: str) -> ConfigurationError:
    return ConfigurationError(f"after {text[:40]!r} is not a key; take it from the page before")
