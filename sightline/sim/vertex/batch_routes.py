"""The paths of jobs of batch prediction, and the control API over how they go.

| path | methods | body |
|---|---|---|
| /control/batch | GET, PUT | {"duration_s": 2, "ends": ["JOB_STATE_EXPIRED"], "code": 13, "doubled": 0.1, "keys": true, "hold": false, "lose_answers": 0, "refuse": ""} |

What is not named keeps its value. Lines fail by the shares of /control/faults, as calls do.
"""  # noqa: E501 - a table's line

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import orjson
from aiohttp import web

from sightline.sim.vertex import errors
from sightline.sim.vertex.batch import STATES, BatchJobs, Job, resource
from sightline.sim.vertex.batch_lines import LineAnswers, Reply
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.errors import ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import FaultMix
from sightline.sim.vertex.fields import camel, fields

_JOBS = "/v1/{place:projects/[^/]+/locations/[^/]+}/batchPredictionJobs"
_JOB = frozenset({"displayName", "model", "inputConfig", "outputConfig", "labels"})
_MODEL = re.compile(r"(projects/[^/]+/locations/[^/]+/)?publishers/google/models/gemini-[\w.-]+")
_TERM = re.compile(r'(?P<field>[\w.]+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[\w-]+))')
_PAGE = 100

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Batch:
    """Jobs of batch prediction under their paths; ``jobs`` are those there are."""

    def __init__(
        self, reply: Reply, faults: Callable[[], FaultMix], files: Buckets | None, seed: int
    ) -> None:
        lines = LineAnswers(reply, faults, random.Random(seed))
        self.jobs = BatchJobs(lines, files, seed)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, to be added before those of the models."""
        return [
            web.get("/control/batch", self._show_pace),
            web.put("/control/batch", self._set_pace),
            web.post(_JOBS, self._guarded(self._create)),
            web.get(_JOBS, self._guarded(self._list)),
            web.get(_JOBS + "/{id:[^/:]+}", self._guarded(self._get)),
            web.post(_JOBS + "/{id:[^/:]+}:cancel", self._guarded(self._cancel)),
        ]

    async def stop(self) -> None:
        """Stop all jobs where they are."""
        await self.jobs.stop()

    async def _show_pace(self, _: web.Request) -> web.Response:
        return _json(asdict(self.jobs.pace))

    async def _set_pace(self, request: web.Request) -> web.Response:
        try:
            self.jobs.pace = replace(self.jobs.pace, **orjson.loads(await request.read()))
        except (ValueError, TypeError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json(asdict(self.jobs.pace))

    def _guarded(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            refuse = self.jobs.pace.refuse
            if not re.fullmatch(r"Bearer \S+", request.headers.get("Authorization", "")):
                return _error(errors.without_credentials())
            if refuse:
                return _error(ErrorReply(refuse, f"The call ended by {refuse}."))
            try:
                return await handler(request)
            except InvalidArgumentError as error:
                return _error(errors.invalid(error))

        return handle

    async def _create(self, request: web.Request) -> web.Response:
        asked = _checked(orjson.loads(await request.read()))
        job = self.jobs.create(request.match_info["place"], asked)
        if self.jobs.pace.lose_answers:
            self.jobs.pace.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return _json(_shape(request, job))

    async def _list(self, request: web.Request) -> web.Response:
        place, terms = request.match_info["place"], _terms(request.query.get("filter", ""))
        found = [
            one
            for one in reversed(self.jobs.jobs.values())
            if one.place == place and _fits(one, terms)
        ]
        start = int(request.query.get("pageToken") or 0)
        size = int(request.query.get("pageSize") or _PAGE)
        page = [_shape(request, one) for one in found[start : start + size]]
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return _json({"batchPredictionJobs": page} | more)

    async def _get(self, request: web.Request) -> web.Response:
        job = self._job(request)
        return _json(_shape(request, job)) if job else _absent(request)

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._job(request)
        if job is None:
            return _absent(request)
        await self.jobs.cancel(job)
        return _json({})

    def _job(self, request: web.Request) -> Job | None:
        return self.jobs.jobs.get(_name(request))


def _checked(body: object) -> dict[str, Any]:
    """Return what is asked, or raise ``InvalidArgumentError`` as Google would."""
    at = "batch_prediction_job"
    asked = fields(body, at, _JOB)
    if not asked.get("displayName") or len(str(asked["displayName"])) > 128:
        raise InvalidArgumentError("A display name of 1 to 128 characters is needed.", at)
    if not _MODEL.fullmatch(str(asked.get("model", ""))):
        raise InvalidArgumentError(f"Model {asked.get('model')} is not supported.", f"{at}.model")
    given = fields(asked.get("inputConfig"), at, frozenset({"instancesFormat", "gcsSource"}))
    taken = fields(
        asked.get("outputConfig"), at, frozenset({"predictionsFormat", "gcsDestination"})
    )
    uris = fields(given.get("gcsSource"), at, frozenset({"uris"})).get("uris")
    prefix = fields(taken.get("gcsDestination"), at, frozenset({"outputUriPrefix"}))
    formats = {given.get("instancesFormat"), taken.get("predictionsFormat")}
    if formats != {"jsonl"} or not isinstance(uris, list) or len(uris) != 1:
        raise InvalidArgumentError("One file of JSONL is taken, and JSONL is written.", at)
    for uri in (*uris, prefix.get("outputUriPrefix")):
        if not re.fullmatch(r"gs://[^/]+/.+", str(uri)):
            raise InvalidArgumentError(f"{uri} is no URI of Cloud Storage.", at)
    return {
        **asked,
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": uris}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": prefix},
    }


def _terms(text: str) -> list[tuple[str, str]]:
    """Return the terms of a filter: equalities, joined by AND.

    Raises:
        InvalidArgumentError: it is none of that kind.
    """
    if not text:
        return []
    found = [_TERM.fullmatch(one.strip()) for one in text.split(" AND ")]
    if not all(found):
        raise InvalidArgumentError(f"Invalid filter: {text}", "filter")
    return [
        (camel(one["field"]), one["quoted"] if one["quoted"] is not None else one["bare"])
        for one in found
        if one
    ]


def _fits(job: Job, terms: list[tuple[str, str]]) -> bool:
    labels: Mapping[str, str] = job.asked.get("labels", {})
    values = {"displayName": job.asked["displayName"], "state": job.state}
    values |= {camel(f"labels.{key}"): value for key, value in labels.items()}
    return all(values.get(name) == wanted for name, wanted in terms)


def _name(request: web.Request) -> str:
    named = request.match_info
    return f"{named['place']}/batchPredictionJobs/{named['id']}"


def _shape(request: web.Request, job: Job) -> dict[str, Any]:
    """Return a job with its state as a name, or as a number where that is asked."""
    found: dict[str, Any] = resource(job)
    if "enum-encoding=int" in request.query.get("$alt", ""):
        found["state"] = STATES.index(found["state"])
    return found


def _absent(request: web.Request) -> web.Response:
    what = _name(request)
    return _error(ErrorReply("NOT_FOUND", f"The BatchPredictionJob does not exist: {what}"))


def _error(error: ErrorReply) -> web.Response:
    return _json(error.body(), error.code)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, content_type="application/json", charset="utf-8"
    )
