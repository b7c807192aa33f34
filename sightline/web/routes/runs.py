"""The runs, live, and the replay of dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from sightline.operations.dead_letters import replay_parts
from sightline.operations.gallery import browsing
from sightline.operations.gallery.live_run import LiveRuns
from sightline.operations.status import RunStatus
from sightline.web.access.limits import limited, needs
from sightline.web.access.roles import PageRole
from sightline.web.routes.images import Project
from sightline.web.shown_text import without_places

router = APIRouter(prefix="/api")


class RunNow(BaseModel):
    """A run: its parts by state, and its cost in US dollars."""

    run: str
    state: str
    parts: int
    written: int
    dead: int
    queued: int
    to_publish: int
    cancelled: int
    lost: int
    cost_usd: float
    budget_usd: float | None


class LimiterDocument(BaseModel):
    """What the workers send to a model together, and the quota that they believe in."""

    model: str
    kind: str
    workers: int
    rate_per_s: float
    quota_per_s: float | None
    in_flight: int | None
    share_refused: float | None


class RunsDocument(BaseModel):
    """All runs at one moment. Unknown values are ``null``."""

    at: datetime
    parts_per_s: float | None
    left: int
    eta_s: float | None
    cost_usd: float
    cost_usd_per_hour: float | None
    ready: int | None
    leased: int | None
    dead: Mapping[str, int]
    runs: Sequence[RunNow]
    limiters: Sequence[LimiterDocument]
    error: str | None


class ImageName(BaseModel):
    """The id of an observation."""

    id: str


class Replayed(BaseModel):
    """How many dead letters were sent again."""

    replayed: int


@router.get("/run")
async def run(project: Project) -> RunsDocument:
    """Return the runs as they are."""
    return _document(await project.runs.now())


@router.get("/run/events", response_class=StreamingResponse)
async def events(project: Project) -> StreamingResponse:
    """Send the runs whenever they change, as server-sent events."""

    async def lines() -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        async with aclosing(project.runs.changes()) as changes:
            async for runs in changes:
                yield b"data: %b\n\n" % _document(runs).model_dump_json().encode()

    return StreamingResponse(
        lines(), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


@router.post(
    "/dead-letters/replay",
    dependencies=[Depends(needs(PageRole.OWNER)), Depends(limited(1.0, 10))],
)
async def replay(project: Project, image: ImageName) -> Replayed:
    """Send the failed parts of an image again."""
    details = await browsing.details(project.warehouse, image.id)
    keys = [letter.part_key for letter in details.dead_letters]
    done = await replay_parts(await project.engine.get(), keys)
    return Replayed(replayed=done.replayed)


def _document(now: LiveRuns) -> RunsDocument:
    view = now.view
    return RunsDocument(
        at=now.at,
        parts_per_s=view and view.parts_per_s,
        left=view.left if view else 0,
        eta_s=view and view.eta_s,
        cost_usd=view.cost_usd if view else 0.0,
        cost_usd_per_hour=view and view.cost_usd_per_hour,
        ready=view and view.ready,
        leased=view and view.leased,
        dead=view.dead if view else {},
        runs=[_run(status) for status in now.runs],
        limiters=[
            LimiterDocument(
                model=belief.model,
                kind=belief.kind,
                workers=belief.workers,
                rate_per_s=belief.rate_per_s,
                quota_per_s=belief.quota_per_s,
                in_flight=None,  # workers do not report it
                share_refused=belief.share_refused,
            )
            for belief in now.limiters
        ],
        error=without_places(now.problem) or None,
    )


def _run(status: RunStatus) -> RunNow:
    balance = status.balance
    limit = status.budget.limits.cost_usd_micros if status.budget else None
    return RunNow(
        run=status.run.run_id,
        state=status.state,
        parts=balance.parts,
        written=balance.written,
        dead=balance.dead,
        queued=balance.queued,
        to_publish=balance.to_publish,
        cancelled=balance.cancelled,
        lost=balance.lost,
        cost_usd=status.cost.cost_usd_micros / 1e6,
        budget_usd=None if limit is None else limit / 1e6,
    )
