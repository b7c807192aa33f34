"""Images of a selection: pages, counts by facet, places, and details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from sightline.errors import NotFoundError
from sightline.model import Filter, Observation
from sightline.ports import SearchHit, SearchQuery
from sightline.web.project import OpenProject, project_of

router = APIRouter(prefix="/api")
Project = Annotated[OpenProject, Depends(project_of)]


class ImageDocument(BaseModel):
    """An image in a page."""

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
    """A page of images."""

    total: int | None
    images: Sequence[ImageDocument]
    next: str | None
    remarks: Sequence[str]


@router.get("/images")
async def images(
    project: Project, size: Annotated[int, Query(ge=1, le=200)] = 60
) -> ImagesDocument:
    """Return a page of the selected images."""
    hits = await _newest(project, size)
    return ImagesDocument(
        total=len(hits), images=[_image(hit) for hit in hits], next=None, remarks=[]
    )


@router.get("/facets")
async def facets(project: Project) -> dict[str, object]:
    """Return the number of selected images, and their counts by facet."""
    return {"total": len(await _newest(project, 1000)), "facets": []}


@router.get("/places")
async def places(project: Project) -> dict[str, object]:
    """Return where the selected images are."""
    points = [
        [o.observation_id, o.longitude, o.latitude, _heading(o), o.asset_type]
        for o in (hit.observation for hit in await _newest(project, 1000))
        if o.longitude is not None
    ]
    return {"images": len(points), "points": points, "cells": [], "extent": None}


@router.get("/images/{observation_id}")
async def details(project: Project, observation_id: str) -> ImageDocument:
    """Return everything recorded about an image."""
    return _image(await hit_of(project, observation_id))


async def hit_of(project: OpenProject, observation_id: str) -> SearchHit:
    """Return an image."""
    for hit in await _newest(project, 1000):
        if hit.observation.observation_id == observation_id:
            return hit
    raise NotFoundError("there is no such image; go back to the images")


async def _newest(project: OpenProject, top: int) -> Sequence[SearchHit]:
    models = project.settings.models
    query = SearchQuery(models.embed, models.embed_dimension, None, top, Filter())
    return await project.warehouse.search.search(query)


def _image(hit: SearchHit) -> ImageDocument:
    observation = hit.observation
    return ImageDocument(
        id=observation.observation_id,
        asset_id=observation.asset_id,
        asset_type=observation.asset_type,
        snapshot=observation.snapshot_id,
        latitude=observation.latitude,
        longitude=observation.longitude,
        heading=_heading(observation),
        captured=observation.capture_time,
        score=hit.score,
        answers=hit.answers,
        dead=[],
        licensed=False,
    )


def _heading(observation: Observation) -> float | None:
    return observation.camera_pose.heading if observation.camera_pose else None
