"""Pictures of images: thumbnails and large ones, upright and without metadata."""

from __future__ import annotations

import asyncio
from io import BytesIO

from fastapi import APIRouter, Response

from sightline.operations.images import image
from sightline.web.routes.images import Project, hit_of

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
    hit = await hit_of(project, observation_id)
    decoded = await image(project.settings, hit.observation.gcs_uri)

    def encode() -> bytes:
        decoded.thumbnail((size, size))
        content = BytesIO()
        decoded.save(content, "JPEG", quality=85)
        return content.getvalue()

    return Response(await asyncio.to_thread(encode), media_type="image/jpeg")
