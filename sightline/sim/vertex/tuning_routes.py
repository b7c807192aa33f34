"""The paths of tuning jobs, and the control API over how they go.

| path | methods | body |
|---|---|---|
| /control/tuning | GET, PUT | {"pending_s": 1, "running_s": 2, "error": "", "refuse": "", "lose_answers": 0} |

What is not named keeps its value.
"""  # noqa: E501 - a table's line

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
from aiohttp import web

from sightline.sim.vertex import errors
from sightline.sim.vertex.answers import Answerer, CannotAnswerError
from sightline.sim.vertex.buckets import ReadImage
from sightline.sim.vertex.errors import CODES, TYPE, ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.fields import fields, number
from sightline.sim.vertex.requests import Embed, Generate
from sightline.sim.vertex.tuning import STATES, Job, TuningJobs
from sightline.sim.vertex.tuning_files import (
    MOST_TRAINING,
    MOST_VALIDATION,
    BadDatasetError,
    Example,
    read_examples,
)

_JOBS = "/v1/{place:projects/[^/]+/locations/[^/]+}/tuningJobs"
_JOB = frozenset(
    {"baseModel", "supervisedTuningSpec", "tunedModelDisplayName", "description", "labels"}
)
_SPEC = frozenset(
    {"trainingDatasetUri", "validationDatasetUri", "hyperParameters", "exportLastCheckpointOnly"}
)
_HYPER = frozenset({"epochCount", "learningRateMultiplier", "adapterSize"})
_SIZES = (
    "ADAPTER_SIZE_UNSPECIFIED", "ADAPTER_SIZE_ONE", "ADAPTER_SIZE_FOUR", "ADAPTER_SIZE_EIGHT",
    "ADAPTER_SIZE_SIXTEEN", "ADAPTER_SIZE_THIRTY_TWO", "ADAPTER_SIZE_TWO",
)  # fmt: skip
"""In the order of their numbers."""
_AT = "tuning_job.supervised_tuning_spec"
_PAGE = 100

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Tuning:
    """Tuning jobs under their paths, and an ``Answerer`` that also answers for tuned models."""

    def __init__(
        self, answerer: Answerer, buckets: ReadImage | None, now: Callable[[], float]
    ) -> None:
        self.jobs = TuningJobs(answerer, now)
        self._answerer = answerer
        self._buckets = buckets

    async def generate(self, model: str, request: Generate) -> object:
        """Answer for any model; see ``Answerer``."""
        if "/endpoints/" not in model:
            return await self._answerer.generate(model, request)
        tuned = self.jobs.tuned(model)
        if tuned is None:
            raise CannotAnswerError(Fault.MODEL_CLOSED, f"Endpoint `{model}` is not found.")
        return await tuned.generate(request)

    async def embed(self, model: str, request: Embed) -> Sequence[float]:
        """Embed as the models do that are not tuned."""
        return await self._answerer.embed(model, request)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, to be added before those of the models."""
        return [
            web.get("/control/tuning", self._show_pace),
            web.put("/control/tuning", self._set_pace),
            web.post(_JOBS, self._guarded(self._create)),
            web.get(_JOBS, self._guarded(self._list)),
            web.get(_JOBS + "/{id:[^/:]+}", self._guarded(self._get)),
            web.post(_JOBS + "/{id:[^/:]+}:cancel", self._guarded(self._cancel)),
        ]

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
                return _error(ErrorReply(refuse, _refused(refuse, request.match_info["place"])))
            try:
                return await handler(request)
            except InvalidArgumentError as error:
                return _error(errors.invalid(error))

        return handle

    async def _create(self, request: web.Request) -> web.Response:
        place = request.match_info["place"]
        asked = _checked(orjson.loads(await request.read()), place)
        spec = asked["supervisedTuningSpec"]
        train = await self._content(spec, "trainingDatasetUri")
        held_out = await self._content(spec, "validationDatasetUri")
        examples: tuple[Example, ...] = ()
        wrong = ""
        try:
            examples = read_examples(train or b"", "training", most=MOST_TRAINING)
            if held_out is not None:
                read_examples(held_out, "validation", most=MOST_VALIDATION)
        except BadDatasetError as error:
            wrong = str(error)
        job = self.jobs.create(place, asked, examples, wrong)
        if self.jobs.pace.lose_answers:
            self.jobs.pace.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return self._reply(request, job)

    async def _content(self, spec: Mapping[str, Any], name: str) -> bytes | None:
        """Return a file of examples; it must be there, and be read by the service."""
        uri = spec.get(name)
        if not uri:
            return None
        path = f"{_AT}.{re.sub('([A-Z])', lambda one: '_' + one[1].lower(), name)}"
        if self._buckets is None:
            raise InvalidArgumentError("This simulator has no buckets to read.", path)
        try:
            return await self._buckets.read(uri)
        except CannotAnswerError as error:
            if error.fault is Fault.IMAGE_GONE:
                raise InvalidArgumentError(f"{uri} does not exist.", path) from error
            raise InvalidArgumentError(f"{uri} cannot be read: {error}", path) from error

    async def _list(self, request: web.Request) -> web.Response:
        place = request.match_info["place"]
        found = [one for one in self.jobs.jobs.values() if one.place == place][::-1]
        start = int(request.query.get("pageToken") or 0)
        size = int(request.query.get("pageSize") or _PAGE)
        page = {"tuningJobs": [self._shape(request, one) for one in found[start : start + size]]}
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return _json(page | more)

    async def _get(self, request: web.Request) -> web.Response:
        job = self._job(request)
        return self._reply(request, job) if job else _absent(request)

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self._job(request)
        if job is None:
            return _absent(request)
        self.jobs.cancel(job)
        return _json({})

    def _job(self, request: web.Request) -> Job | None:
        named = request.match_info
        return self.jobs.jobs.get(f"{named['place']}/tuningJobs/{named['id']}")

    def _reply(self, request: web.Request, job: Job) -> web.Response:
        return _json(self._shape(request, job))

    def _shape(self, request: web.Request, job: Job) -> dict[str, Any]:
        """Return a job with its enums as names, or as numbers where that is asked."""
        found = self.jobs.resource(job)
        if "enum-encoding=int" in request.query.get("$alt", ""):
            found["state"] = STATES.index(found["state"])
        return found


def _checked(body: object, place: str) -> dict[str, Any]:
    """Return what is asked, or raise ``InvalidArgumentError`` as Google would."""
    asked = fields(body, "tuning_job", _JOB)
    if place.endswith("/locations/global"):
        raise InvalidArgumentError("Tuning is not supported in location global.", "parent")
    base = str(asked.get("baseModel", ""))
    if not base.rpartition("/")[2].startswith("gemini-"):
        raise InvalidArgumentError(f"Base model {base} is not supported.", "tuning_job.base_model")
    if len(str(asked.get("tunedModelDisplayName", ""))) > 128:
        raise InvalidArgumentError("The display name is too long.", "tuning_job")
    spec = fields(asked.get("supervisedTuningSpec", {}), _AT, _SPEC)
    for name in ("trainingDatasetUri", "validationDatasetUri"):
        uri = spec.get(name, "" if name == "trainingDatasetUri" else None)
        if uri is not None and not re.fullmatch(r"gs://[^/]+/.+\.jsonl", uri):
            raise InvalidArgumentError(f"{name} should be a GCS object of type JSONL.", _AT)
    hyper = fields(spec.get("hyperParameters", {}), f"{_AT}.hyper_parameters", _HYPER)
    epochs = hyper.get("epochCount")
    number(None if epochs is None else int(epochs), "epoch_count", least=1, most=100, whole=True)
    number(hyper.get("learningRateMultiplier"), "learning_rate_multiplier", least=0, most=10)
    size = hyper.get("adapterSize")
    if isinstance(size, int):
        hyper["adapterSize"] = _SIZES[size] if 0 <= size < len(_SIZES) else str(size)
    if hyper.get("adapterSize", _SIZES[1]) not in _SIZES[:-2] + _SIZES[-1:]:
        raise InvalidArgumentError(
            "The adapter size is not supported for this base model.", f"{_AT}.hyper_parameters"
        )
    return {**asked, "supervisedTuningSpec": {**spec, "hyperParameters": hyper}}


def _refused(status: str, place: str) -> str:
    if status == "PERMISSION_DENIED":
        return (
            "Permission 'aiplatform.tuningJobs.create' denied on resource"
            f" '//aiplatform.googleapis.com/{place}' (or it may not exist)."
        )
    return f"The call ended by {status}."


def _absent(request: web.Request) -> web.Response:
    named = request.match_info
    what = f"{named['place']}/tuningJobs/{named['id']}"
    info = {"@type": TYPE + "ResourceInfo", "resourceName": what}
    return _error(ErrorReply("NOT_FOUND", f"TuningJob {what} is not found.", (info,)))


def _error(error: ErrorReply) -> web.Response:
    return _json(error.body(), CODES[error.status], error.headers)


def _json(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers,
        content_type="application/json", charset="utf-8",
    )  # fmt: skip
