"""The routes of batch prediction jobs, and the control API for their behaviour.

| path | methods | body |
|---|---|---|
| /control/batch | GET, PUT | {"duration_s": 2, "ends": ["JOB_STATE_EXPIRED"], "code": 13, "doubled": 0.1, "keys": true, "hold": false, "lose_answers": 0, "refuse": ""} |

Omitted fields keep their values. Lines fail by the shares of /control/faults, as calls do.
"""  # noqa: E501 - a table's line

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from sightline.sim.vertex.batch import STATES, SimulatedBatchJob, SimulatedBatchJobs, resource
from sightline.sim.vertex.batch_lines import LineAnswers, Reply
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.errors import ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import FaultMix
from sightline.sim.vertex.fields import camel, fields
from sightline.sim.vertex.job_routes import JobRoutes

_JOB = frozenset({"displayName", "model", "inputConfig", "outputConfig", "labels"})
_MODEL = re.compile(r"(projects/[^/]+/locations/[^/]+/)?publishers/google/models/gemini-[\w.-]+")
_TERM = re.compile(r'(?P<field>[\w.]+)\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[\w-]+))')


class BatchRoutes(JobRoutes[SimulatedBatchJob]):
    """Serves batch prediction jobs; ``jobs`` are all existing jobs."""

    kind = "batchPredictionJobs"
    control = "/control/batch"
    states = STATES

    def __init__(
        self, reply: Reply, faults: Callable[[], FaultMix], files: Buckets | None, seed: int
    ) -> None:
        lines = LineAnswers(reply, faults, random.Random(seed))
        self.jobs = SimulatedBatchJobs(lines, files, seed)
        super().__init__(self.jobs)

    async def stop(self) -> None:
        """Stop all jobs in their present state."""
        await self.jobs.stop()

    async def create(self, place: str, body: object) -> SimulatedBatchJob:
        """See ``JobRoutes``."""
        return self.jobs.create(place, _checked(body))

    async def cancel(self, job: SimulatedBatchJob) -> None:
        """See ``JobRoutes``."""
        await self.jobs.cancel(job)

    def resource(self, job: SimulatedBatchJob) -> dict[str, Any]:
        """See ``JobRoutes``."""
        answer: dict[str, Any] = resource(job)
        return answer

    def listed(self, place: str, filter_text: str) -> list[SimulatedBatchJob]:
        """See ``JobRoutes``; supports filters of equalities joined by AND."""
        terms = _terms(filter_text)
        own = (job for job in reversed(self.jobs.jobs.values()) if job.place == place)
        return [job for job in own if _fits(job, terms)]

    def absent(self, name: str) -> ErrorReply:
        """See ``JobRoutes``."""
        return ErrorReply("NOT_FOUND", f"The BatchPredictionJob does not exist: {name}")


def _checked(body: object) -> dict[str, Any]:
    """Return the checked request, or raise ``InvalidArgumentError`` as Google would."""
    at = "batch_prediction_job"
    job = fields(body, at, _JOB)
    if not job.get("displayName") or len(str(job["displayName"])) > 128:
        raise InvalidArgumentError("A display name of 1 to 128 characters is needed.", at)
    if not _MODEL.fullmatch(str(job.get("model", ""))):
        raise InvalidArgumentError(f"Model {job.get('model')} is not supported.", f"{at}.model")
    input_config = fields(job.get("inputConfig"), at, frozenset({"instancesFormat", "gcsSource"}))
    output_config = fields(
        job.get("outputConfig"), at, frozenset({"predictionsFormat", "gcsDestination"})
    )
    uris = fields(input_config.get("gcsSource"), at, frozenset({"uris"})).get("uris")
    prefix = fields(output_config.get("gcsDestination"), at, frozenset({"outputUriPrefix"}))
    formats = {input_config.get("instancesFormat"), output_config.get("predictionsFormat")}
    if formats != {"jsonl"} or not isinstance(uris, list) or len(uris) != 1:
        raise InvalidArgumentError("One file of JSONL is taken, and JSONL is written.", at)
    for uri in (*uris, prefix.get("outputUriPrefix")):
        if not re.fullmatch(r"gs://[^/]+/.+", str(uri)):
            raise InvalidArgumentError(f"{uri} is no URI of Cloud Storage.", at)
    return {
        **job,
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": uris}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": prefix},
    }


def _terms(text: str) -> list[tuple[str, str]]:
    """Return the terms of a filter: equalities, joined by AND.

    Raises:
        InvalidArgumentError: the filter has another form.
    """
    if not text:
        return []
    matches = [_TERM.fullmatch(term.strip()) for term in text.split(" AND ")]
    if not all(matches):
        raise InvalidArgumentError(f"Invalid filter: {text}", "filter")
    return [
        (camel(match["field"]), match["quoted"] if match["quoted"] is not None else match["bare"])
        for match in matches
        if match
    ]


def _fits(job: SimulatedBatchJob, terms: list[tuple[str, str]]) -> bool:
    labels: Mapping[str, str] = job.request.get("labels", {})
    values = {"displayName": job.request["displayName"], "state": job.state}
    values |= {camel(f"labels.{key}"): value for key, value in labels.items()}
    return all(values.get(name) == expected for name, expected in terms)
