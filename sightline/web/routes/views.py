"""Saved views: named states of the page, which everybody sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from sightline.operations.gallery.saved_views import SavedView
from sightline.web.access.limits import needs
from sightline.web.access.roles import PageRole, Visitor
from sightline.web.errors import RequestRefusedError
from sightline.web.routes.images import Project

router = APIRouter(prefix="/api/views")
Reviewer = Annotated[Visitor, Depends(needs(PageRole.REVIEWER))]


class ViewState(BaseModel):
    """The state of the page: a path and a query."""

    state: str


class ViewDocument(ViewState):
    """A saved view."""

    name: str
    saved_by: str
    saved_at: datetime


class ViewsDocument(BaseModel):
    """All saved views, by name."""

    views: Sequence[ViewDocument]


@router.get("")
async def views(project: Project) -> ViewsDocument:
    """Return all views."""
    return ViewsDocument(views=[_view(view) for view in await project.views.all()])


@router.put("/{name:path}")
async def save(project: Project, visitor: Reviewer, name: str, body: ViewState) -> ViewDocument:
    """Save a view; only its author or an owner replaces one of this name."""
    await _check_own(project, visitor, name)
    return _view(await project.views.save(name, body.state, visitor.name))


@router.delete("/{name:path}", status_code=HTTPStatus.NO_CONTENT)
async def delete(project: Project, visitor: Reviewer, name: str) -> None:
    """Delete a view; only its author or an owner may."""
    await _check_own(project, visitor, name)
    await project.views.delete(name)


async def _check_own(project: Project, visitor: Visitor, name: str) -> None:
    view = await project.views.get(name)
    check_own(visitor, view.saved_by if view else visitor.name)


def check_own(visitor: Visitor, made_by: str) -> None:
    """Check that a visitor made something, or is an owner.

    Raises:
        RequestRefusedError: another visitor made it.
    """
    if visitor.name != made_by and visitor.role < PageRole.OWNER:
        raise RequestRefusedError(
            HTTPStatus.FORBIDDEN, "another person saved this; ask them, or an owner of the project"
        )


def _view(view: SavedView) -> ViewDocument:
    return ViewDocument(
        name=view.name, state=view.state, saved_by=view.saved_by, saved_at=view.saved_at
    )
