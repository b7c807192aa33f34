"""The routes of tuning jobs, and the control API for their behaviour.

| path | methods | body |
|---|---|---|
| /control/tuning | GET, PUT | {"pending_s": 1, "running_s": 2, "error": "", "refuse": "", "lose_answers": 0} |

Omitted fields keep their values.
"""  # noqa: E501 - a table's line

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sightline.sim.vertex.answers import Answerer, CannotAnswerError
from sightline.sim.vertex.buckets import ReadImage
from sightline.sim.vertex.errors import TYPE, ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.fields import fields, number
from sightline.sim.vertex.job_routes import JobRoutes
from sightline.sim.vertex.requests import Embed, GenerateRequest
from sightline.sim.vertex.tuning import STATES, SimulatedTuningJob, SimulatedTuningJobs
from sightline.sim.vertex.tuning_files import (
    MOST_TRAINING,
    MOST_VALIDATION,
    BadDatasetError,
    TrainingLine,
    read_examples,
)

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


class Tuning(JobRoutes[SimulatedTuningJob]):
    """Serves tuning jobs, and is an ``Answerer`` that also answers for tuned models."""

    kind = "tuningJobs"
    control = "/control/tuning"
    states = STATES

    def __init__(
        self, answerer: Answerer, buckets: ReadImage | None, now: Callable[[], float]
    ) -> None:
        self.jobs = SimulatedTuningJobs(answerer, now)
        super().__init__(self.jobs)
        self._answerer = answerer
        self._buckets = buckets

    async def generate(self, model: str, request: GenerateRequest) -> object:
        """Answer for any model; see ``Answerer``."""
        if "/endpoints/" not in model:
            return await self._answerer.generate(model, request)
        tuned = self.jobs.tuned(model)
        if tuned is None:
            raise CannotAnswerError(Fault.MODEL_CLOSED, f"Endpoint `{model}` is not found.")
        return await tuned.generate(request)

    async def embed(self, model: str, request: Embed) -> Sequence[float]:
        """Embed with the models that are not tuned."""
        return await self._answerer.embed(model, request)

    async def create(self, place: str, body: object) -> SimulatedTuningJob:
        """See ``JobRoutes``."""
        request = _checked(body, place)
        spec = request["supervisedTuningSpec"]
        train = await self._content(spec, "trainingDatasetUri")
        held_out = await self._content(spec, "validationDatasetUri")
        examples: tuple[TrainingLine, ...] = ()
        wrong = ""
        try:
            examples = read_examples(train or b"", "training", most=MOST_TRAINING)
            if held_out is not None:
                read_examples(held_out, "validation", most=MOST_VALIDATION)
        except BadDatasetError as error:
            wrong = str(error)
        return self.jobs.create(place, request, examples, wrong)

    async def cancel(self, job: SimulatedTuningJob) -> None:
        """See ``JobRoutes``."""
        self.jobs.cancel(job)

    def resource(self, job: SimulatedTuningJob) -> dict[str, Any]:
        """See ``JobRoutes``."""
        return self.jobs.resource(job)

    def listed(self, place: str, filter_text: str) -> list[SimulatedTuningJob]:  # noqa: ARG002 - all are listed
        """See ``JobRoutes``."""
        return [job for job in self.jobs.jobs.values() if job.place == place][::-1]

    def absent(self, name: str) -> ErrorReply:
        """See ``JobRoutes``."""
        info = {"@type": TYPE + "ResourceInfo", "resourceName": name}
        return ErrorReply("NOT_FOUND", f"TuningJob {name} is not found.", (info,))

    def refused(self, status: str, place: str) -> str:
        """See ``JobRoutes``."""
        if status == "PERMISSION_DENIED":
            return (
                "Permission 'aiplatform.tuningJobs.create' denied on resource"
                f" '//aiplatform.googleapis.com/{place}' (or it may not exist)."
            )
        return super().refused(status, place)

    async def _content(self, spec: Mapping[str, Any], name: str) -> bytes | None:
        """Return a file of examples, which must exist and be readable."""
        uri = spec.get(name)
        if not uri:
            return None
        path = f"{_AT}.{re.sub('([A-Z])', lambda match: '_' + match[1].lower(), name)}"
        if self._buckets is None:
            raise InvalidArgumentError("This simulator has no buckets to read.", path)
        try:
            return await self._buckets.read(uri)
        except CannotAnswerError as error:
            if error.fault is Fault.IMAGE_GONE:
                raise InvalidArgumentError(f"{uri} does not exist.", path) from error
            raise InvalidArgumentError(f"{uri} cannot be read: {error}", path) from error


def _checked(body: object, place: str) -> dict[str, Any]:
    """Return the checked request, or raise ``InvalidArgumentError`` as Google would."""
    request = fields(body, "tuning_job", _JOB)
    if place.endswith("/locations/global"):
        raise InvalidArgumentError("Tuning is not supported in location global.", "parent")
    base = str(request.get("baseModel", ""))
    if not base.rpartition("/")[2].startswith("gemini-"):
        raise InvalidArgumentError(f"Base model {base} is not supported.", "tuning_job.base_model")
    if len(str(request.get("tunedModelDisplayName", ""))) > 128:
        raise InvalidArgumentError("The display name is too long.", "tuning_job")
    spec = fields(request.get("supervisedTuningSpec", {}), _AT, _SPEC)
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
    return {**request, "supervisedTuningSpec": {**spec, "hyperParameters": hyper}}
