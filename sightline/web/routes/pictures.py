"""Pictures of images: thumbnails and large ones, uploaded ones, and contact sheets."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from sightline.errors import NotFoundError
from sightline.operations.contact_sheets import sheet_of_hits
from sightline.operations.gallery import browsing
from sightline.operations.gallery.query_images import MOST_BYTES
from sightline.operations.gallery.thumbnails import SIZES, is_licensed, nearest_size, picture_key
from sightline.ports import SearchHit
from sightline.web.access.limits import limited
from sightline.web.routes.images import Project, State, ranked_hits

QUERY_IMAGES = "/api/query-images"
BODY_BYTES = {QUERY_IMAGES: MOST_BYTES}
"""The largest bodies of requests, where they are larger than others."""
MOST_ON_SHEET = 200
LASTS = "private, max-age=86400"
_CONTENT = {"content": {"image/jpeg": {}}, "description": "the picture"}
router = APIRouter()


class QueryImage(BaseModel):
    """The key of an uploaded picture, for ``image`` in the state of the page."""

    image: str


@router.get("/thumbnails/{observation_id}", response_class=Response, responses={200: _CONTENT})
async def thumbnail(
    project: Project,
    observation_id: str,
    request: Request,
    size: Annotated[int, Query(ge=1, le=1024)] = 320,
) -> Response:
    """Return an image's thumbnail, at most about ``size`` pixels wide and high."""
    return await _picture(project, observation_id, size, request)


@router.get("/pictures/{observation_id}", response_class=Response, responses={200: _CONTENT})
async def picture(project: Project, observation_id: str, request: Request) -> Response:
    """Return a large picture."""
    return await _picture(project, observation_id, SIZES[-1], request)


@router.post(
    QUERY_IMAGES,
    dependencies=[Depends(limited(1.0, 10))],
    openapi_extra={
        "requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def add_query_image(project: Project, request: Request) -> QueryImage:
    """Keep a picture to search by: a JPEG, PNG or WebP."""
    content = await request.body()
    return QueryImage(image=await asyncio.to_thread(project.query_images.add, content))


@router.get("/sheet", response_class=Response, dependencies=[Depends(limited(0.2, 5))])
async def sheet(project: Project, state: State) -> Response:
    """Return the selected images, or the first of them, as one page without scripts and links."""
    if state.is_ranked:
        hits = (await ranked_hits(project, state)).images[:MOST_ON_SHEET]
        scores = {hit.observation_id: hit.score for hit in hits}
        images = await browsing.summaries(project.warehouse, list(scores))
        shown = [
            SearchHit(image.observation, scores[image.observation.observation_id], image.answers)
            for image in images
        ]
    else:
        page = await browsing.page(
            project.warehouse, state.selection, state.order, size=MOST_ON_SHEET
        )
        shown = [SearchHit(image.observation, None, image.answers) for image in page.images]
    may_show = project.settings.gallery.share_licensed
    allowed = [hit for hit in shown if may_show or not is_licensed(hit.observation.gcs_uri)]
    remarks = [f"{len(allowed):,} images, the first {MOST_ON_SHEET:,} at most"]
    if len(allowed) < len(shown):
        remarks.append(
            f"{len(shown) - len(allowed):,} images may not leave the organisation and are left out;"
            " gallery.share_licensed includes them"
        )
    title = state.words or "selected images"
    content = await asyncio.to_thread(sheet_of_hits, project.settings, allowed, title, remarks)
    return Response(
        content,
        media_type="text/html",
        headers={"content-security-policy": SHEET_POLICY},
    )


SHEET_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none';"
    " base-uri 'none'; form-action 'none'; sandbox"
)
"""A contact sheet is one file, so its styles are inside; it has no scripts, and may run none."""


async def _picture(project: Project, observation_id: str, size: int, request: Request) -> Response:
    images = await browsing.summaries(project.warehouse, [observation_id])
    if not images:
        raise NotFoundError("there is no such image; go back to the images")
    uri = images[0].observation.gcs_uri
    headers = {"etag": f'"{picture_key(uri, nearest_size(size))}"', "cache-control": LASTS}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    made = await project.pictures.picture(uri, size)
    return Response(made.content, media_type="image/jpeg", headers=headers)
