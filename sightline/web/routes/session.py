"""Who the visitor is, and what the page's code needs to know of the server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from sightline import __version__
from sightline.web.access.roles import Visitor
from sightline.web.project import OpenProject, project_of

router = APIRouter()


class Me(BaseModel):
    """The visitor's role, the token that writes repeat, and settings of the page."""

    role: str
    csrf: str
    version: str
    engine: str
    tiles: str | None


def visitor_of(request: Request) -> Visitor:
    """Return the sender of a request that the guard let pass."""
    visitor: Visitor = request.state.visitor
    return visitor


@router.get("/api/me")
def me(
    visitor: Annotated[Visitor, Depends(visitor_of)],
    project: Annotated[OpenProject, Depends(project_of)],
) -> Me:
    """Return who the visitor is."""
    return Me(
        role=visitor.role.title,
        csrf=visitor.csrf,
        version=__version__,
        engine=project.settings.engine,
        tiles=project.settings.gallery.tiles or None,
    )
