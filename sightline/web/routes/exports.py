"""ExportsDocument of the selection, in the background."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse
from pydantic import BaseModel

from sightline.errors import BusyError, ConfigurationError
from sightline.export import ExportFormat
from sightline.operations.gallery.exports import ExportJob
from sightline.web.access.limits import limited, needs
from sightline.web.access.roles import PageRole, Visitor
from sightline.web.routes.images import Project
from sightline.web.routes.views import check_own
from sightline.web.selection_text import read_query
from sightline.web.shown_text import without_places

router = APIRouter(prefix="/api/exports")
Reviewer = Annotated[Visitor, Depends(needs(PageRole.REVIEWER))]
TITLES = {
    ExportFormat.PARQUET: "Parquet",
    ExportFormat.GEOPARQUET: "GeoParquet",
    ExportFormat.GEOJSON: "GeoJSON",
    ExportFormat.GPKG: "GeoPackage",
    ExportFormat.CSV: "CSV",
    ExportFormat.TUNING: "Examples for tuning (ZIP)",
}


class Wanted(BaseModel):
    """What to export: ``state`` is the query of the page."""

    format: ExportFormat
    task: str | None = None
    state: str = ""


class ExportDocument(BaseModel):
    """An export and its progress, in answers."""

    id: str
    format: ExportFormat
    task: str | None
    at: datetime
    state: Literal["running", "done", "failed"]
    done: int
    total: int | None
    error: str | None
    bytes: int | None


class Format(BaseModel):
    """A format of exports."""

    name: ExportFormat
    title: str


class ExportsDocument(BaseModel):
    """All exports, the newest first, and what may be exported."""

    exports: Sequence[ExportDocument]
    formats: Sequence[Format]
    tasks: Sequence[str]


@router.get("")
async def exports(project: Project, _reviewer: Reviewer) -> ExportsDocument:
    """Return all exports."""
    return ExportsDocument(
        exports=[_export(job) for job in project.exports.all()],
        formats=[Format(name=name, title=title) for name, title in TITLES.items()],
        tasks=[task.name for task in await project.warehouse.answers.tasks()],
    )


@router.post("", status_code=HTTPStatus.ACCEPTED, dependencies=[Depends(limited(0.5, 20))])
async def start(project: Project, visitor: Reviewer, wanted: Wanted) -> ExportDocument:
    """Begin an export."""
    state = read_query(wanted.state)
    if state.is_ranked:
        raise ConfigurationError(
            "a search ranks images and selects none; remove it, or pick images by hand"
        )
    job = project.exports.start(state.selection, wanted.format, wanted.task, visitor.name)
    return _export(job)


@router.get("/{export_id}")
async def export(project: Project, _reviewer: Reviewer, export_id: str) -> ExportDocument:
    """Return an export."""
    return _export(project.exports.get(export_id))


@router.get("/{export_id}/file", response_class=FileResponse)
async def file(project: Project, _reviewer: Reviewer, export_id: str) -> FileResponse:
    """Return the file of a finished export."""
    job = project.exports.get(export_id)
    if job.state != "done" or job.file is None:
        raise BusyError("this export is not finished; wait until it is")
    return FileResponse(
        job.file, media_type="application/octet-stream", filename=job.file.name,
        headers={"cache-control": "no-store"},
    )  # fmt: skip


@router.delete("/{export_id}", status_code=HTTPStatus.NO_CONTENT)
async def remove(project: Project, visitor: Reviewer, export_id: str) -> None:
    """Stop an export, or remove a finished one."""
    check_own(visitor, project.exports.get(export_id).by)
    project.exports.remove(export_id)


def _export(job: ExportJob) -> ExportDocument:
    return ExportDocument(
        id=job.id,
        format=job.format,
        task=job.task,
        at=job.at,
        state=job.state,
        done=job.done,
        total=job.total,
        error=without_places(job.error) or None,
        bytes=job.file.stat().st_size if job.state == "done" and job.file else None,
    )
