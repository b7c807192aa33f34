"""Pictures of images: thumbnails and large ones, upright and without metadata."""

from __future__ import annotations

import asyncio
from io import BytesIO

from fastapi import APIRouter, Response

from sightline.errors import NotFoundError
from sightline.operations.gallery import browsing
from sightline.operations.images import image
from sightline.web.routes.images import Project

router = APIRouter()


@router.get("/thumbnails/{observation_id}")
async def thumbnail(project: Project, observation_id: str, size: int = 320) -> Response:
    """Return an image's thumbnail."""
    return await _picture(project, observation_id, size)


@router.get("/pictures/{observation_id}")
async def picture(project: Project, observation_id: str) -> Response:
    """Return a large picture."""
    return await _picture(project, observation_id, 4096)


async def _picture(project: Project, observation_id: str, size: int) -> Response:
    found = await browsing.summaries(project.warehouse, [observation_id])
    if not found:
        raise NotFoundError("there is no such image; go back to the images")
    decoded = await image(project.settings, found[0].observation.gcs_uri)

    def encode() -> bytes:
        decoded.thumbnail((size, size))
        content = BytesIO()
        decoded.save(content, "JPEG", quality=85)
        return content.getvalue()

    return Response(await asyncio.to_thread(encode), media_type="image/jpeg")
