"""The routes that all kinds of jobs share: control API, credentials, and pages of jobs."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Generic, Protocol, TypeVar

import orjson
from aiohttp import web

from sightline.sim.vertex import errors
from sightline.sim.vertex.errors import CODES, ErrorReply, InvalidArgumentError

PAGE = 100

Handler = Callable[[web.Request], Awaitable[web.Response]]
Job = TypeVar("Job")


class JobStore(Protocol[Job]):
    """Jobs by name; ``pace`` is the behaviour of the next ones."""

    pace: Any
    jobs: dict[str, Job]


class JobRoutes(ABC, Generic[Job]):
    """The routes of one ``kind`` of job, such as ``tuningJobs``, and of its ``control`` API."""

    kind: str
    control: str
    states: Sequence[str]
    """In the order of their numbers."""

    def __init__(self, jobs: JobStore[Job]) -> None:
        self._all = jobs

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, which an application needs before those of the models."""
        path = "/v1/{place:projects/[^/]+/locations/[^/]+}/" + self.kind
        return [
            web.get(self.control, self._show_pace),
            web.put(self.control, self._set_pace),
            web.post(path, self._guarded(self._create)),
            web.get(path, self._guarded(self._list)),
            web.get(path + "/{id:[^/:]+}", self._guarded(self._get)),
            web.post(path + "/{id:[^/:]+}:cancel", self._guarded(self._cancel)),
        ]

    @abstractmethod
    async def create(self, place: str, body: object) -> Job:
        """Create a job; raises InvalidArgumentError as Google would."""

    @abstractmethod
    async def cancel(self, job: Job) -> None:
        """Cancel a job that has not ended."""

    @abstractmethod
    def resource(self, job: Job) -> dict[str, Any]:
        """Return a job as JSON."""

    @abstractmethod
    def listed(self, place: str, filter_text: str) -> Sequence[Job]:
        """Return the jobs that match a filter, newest first."""

    @abstractmethod
    def absent(self, name: str) -> ErrorReply:
        """Return the error for a job that does not exist."""

    def refused(self, status: str, place: str) -> str:  # noqa: ARG002 - subclasses use it
        """Return the message for a refused call."""
        return f"The call ended by {status}."

    async def _show_pace(self, _: web.Request) -> web.Response:
        return _json(asdict(self._all.pace))

    async def _set_pace(self, request: web.Request) -> web.Response:
        try:
            self._all.pace = replace(self._all.pace, **orjson.loads(await request.read()))
        except (ValueError, TypeError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json(asdict(self._all.pace))

    def _guarded(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            refuse = self._all.pace.refuse
            if not re.fullmatch(r"Bearer \S+", request.headers.get("Authorization", "")):
                return _error(errors.without_credentials())
            if refuse:
                message = self.refused(refuse, request.match_info["place"])
                return _error(ErrorReply(refuse, message))
            try:
                return await handler(request)
            except InvalidArgumentError as error:
                return _error(errors.invalid(error))

        return handle

    async def _create(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        job = await self.create(request.match_info["place"], body)
        if self._all.pace.lose_answers:
            self._all.pace.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return _json(self._shape(request, job))

    async def _list(self, request: web.Request) -> web.Response:
        jobs = self.listed(request.match_info["place"], request.query.get("filter", ""))
        start = int(request.query.get("pageToken") or 0)
        size = int(request.query.get("pageSize") or PAGE)
        page = [self._shape(request, job) for job in jobs[start : start + size]]
        more = {"nextPageToken": str(start + size)} if start + size < len(jobs) else {}
        return _json({self.kind: page} | more)

    async def _get(self, request: web.Request) -> web.Response:
        job = self._all.jobs.get(self._name(request))
        if job is None:
            return _error(self.absent(self._name(request)))
        return _json(self._shape(request, job))

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._all.jobs.get(self._name(request))
        if job is None:
            return _error(self.absent(self._name(request)))
        await self.cancel(job)
        return _json({})

    def _name(self, request: web.Request) -> str:
        named = request.match_info
        return f"{named['place']}/{self.kind}/{named['id']}"

    def _shape(self, request: web.Request, job: Job) -> dict[str, Any]:
        """Return a job with its state as a name or, if requested, as a number."""
        fields = self.resource(job)
        if "enum-encoding=int" in request.query.get("$alt", ""):
            fields["state"] = self.states.index(fields["state"])
        return fields


def _error(error: ErrorReply) -> web.Response:
    return _json(error.body(), CODES[error.status], error.headers)


def _json(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers,
        content_type="application/json", charset="utf-8",
    )  # fmt: skip
