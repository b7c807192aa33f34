"""The plan of a tuning job: its examples, their destination, and its estimated cost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.export.tuning import DEAD
from sightline.export.tuning_set import TRAIN, VALIDATION, TuningSet, TuningSetReport
from sightline.gcp.storage import BucketPrefix
from sightline.gcp.tuning import TuningJob, TuningRequest, same_job
from sightline.model import Filter
from sightline.operations.reading.answers_by_asset import each_page, selected_answers
from sightline.operations.tuning.parameters import TuningParameters, check_base_model
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.engine import open_warehouse
from sightline.wiring.prices import pricing
from sightline.wiring.tuning import open_tuning

FOLDER = "tuning"


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """A job that is ready for submission, with its examples in ``folder`` on this machine.

    ``usd_an_epoch`` is an estimate; ``None`` if the price of training tokens is not known.
    ``existing`` is a job that does the same already, if any.
    """

    task: TaskSpec
    request: TuningRequest
    report: TuningSetReport
    folder: Path
    target: BucketPrefix
    location: str
    usd_an_epoch: float | None
    existing: TuningJob | None

    @property
    def usd(self) -> float | None:
        """The estimate for all epochs; ``None`` if their number or the price is not known."""
        if self.usd_an_epoch is None or self.request.epochs is None:
            return None
        return self.usd_an_epoch * self.request.epochs


async def plan_tuning(
    settings: Settings,
    task: str | None = None,
    *,
    folder: Path,
    parameters: TuningParameters,
    which: Filter | None = None,
    validation: float = 0.1,
    bucket: str | None = None,
    location: str | None = None,
    progress: Progress = no_progress,
) -> TuningPlan:
    """Write examples of the current answers into an empty folder; nothing is uploaded or paid for.

    ``validation`` is the share of assets held out. ``bucket`` is for the examples, and ``location``
    is the region of the job; the defaults are ``gcs.bucket`` and ``vertex.location``.

    Raises:
        NotFoundError, ConfigurationError: there are no examples, or no bucket for them, or no job
            can run there.
        TransientError, ThrottledError: Google cannot list the existing jobs now.
    """
    async with open_tuning(settings, location) as client:
        parent = _parent(settings, bucket)
        check_base_model(parameters.base_model)
        spec, report = await _write_examples(
            settings, task, which or Filter(), validation, folder, progress
        )
        identity = _identity(spec, report, parameters)
        target = BucketPrefix.parse(f"{parent.uri()}/{spec.name}-{identity[:12]}", "--bucket")
        request = TuningRequest(
            task=spec.name,
            fingerprint=spec.fingerprint,
            identity=identity,
            training_uri=target.uri(TRAIN),
            validation_uri=target.uri(VALIDATION),
            **asdict(parameters),
        )
        usd = _usd_an_epoch(settings, parameters.base_model, report.training_tokens)
        existing = same_job(await client.jobs(), request)
        place = client.place.location
    return TuningPlan(spec, request, report, folder, target, place, usd, existing)


def _parent(settings: Settings, bucket: str | None) -> BucketPrefix:
    if bucket is not None:
        return BucketPrefix.parse(bucket, "--bucket")
    if not settings.gcs.bucket:
        raise ConfigurationError(
            "a tuning job reads its examples from a bucket, and none is named; give --bucket"
            " gs://bucket/prefix, or set gcs.bucket"
        )
    return BucketPrefix.parse(f"{settings.gcs.bucket}/{FOLDER}", "gcs.bucket")


async def _write_examples(
    settings: Settings,
    name: str | None,
    which: Filter,
    share: float,
    folder: Path,
    progress: Progress,
) -> tuple[TaskSpec, TuningSetReport]:
    async with open_warehouse(settings) as warehouse:
        answers = warehouse.answers
        query, total = await selected_answers(warehouse, name, which)
        with TuningSet(folder, query.task, share=share) as examples:
            await each_page(answers, query, total, examples.write, progress)
            report = examples.finish()
        coverage = await answers.coverage(which, query.task)
        report.examples.left_out[DEAD] = sum(row.dead for row in coverage)
    return query.task, report


def _identity(task: TaskSpec, report: TuningSetReport, parameters: TuningParameters) -> str:
    """Return a name for everything that defines a model: equal identities mean equal jobs."""
    content = {
        "content": report.content,
        "fingerprint": task.fingerprint,
        **asdict(parameters),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _usd_an_epoch(settings: Settings, model: str, tokens: int) -> float | None:
    price = pricing(settings).price_of(model)
    if price is None or price.training_usd is None:
        return None
    return tokens * price.training_usd / 1e6
