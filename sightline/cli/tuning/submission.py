"""What ``sightline tune submit`` does before a job is paid for: examples, a bucket, the cost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.export.tuning_set import TuningSetReport
    from sightline.gcp.storage import BucketPrefix
    from sightline.gcp.tuning import TuningAsked
    from sightline.model import Filter
    from sightline.tasks import TaskSpec

FOLDER = "tuning"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a job is told besides its examples; ``None`` leaves it to Google."""

    base_model: str
    epochs: int | None
    adapter_size: int | None
    learning_rate_multiplier: float | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A job that is ready to be submitted, its examples in a folder on this machine.

    ``usd_an_epoch`` is an estimate; ``None`` where no price of training tokens is known.
    """

    task: TaskSpec
    asked: TuningAsked
    report: TuningSetReport
    target: BucketPrefix
    usd_an_epoch: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        asked, report = self.asked, self.report
        usd = self.usd_an_epoch
        return {
            "task": self.task.name,
            "fingerprint": self.task.fingerprint,
            "base_model": asked.base_model,
            "display_name": asked.display_name,
            "training": {"uri": asked.training_uri, "examples": report.examples.train},
            "validation": {"uri": asked.validation_uri, "examples": report.examples.validation},
            "held_out_assets": report.held_out_assets,
            "left_out": {name: n for name, n in sorted(report.examples.left_out.items()) if n},
            "tokens_an_epoch": report.training_tokens,
            "epochs": asked.epochs,
            "usd_an_epoch": usd,
            "usd": None if usd is None or asked.epochs is None else usd * asked.epochs,
        }


async def plan(
    settings: Settings,
    name: str | None,
    which: Filter,
    share: float,
    bucket: str | None,
    parameters: Parameters,
    folder: Path,
) -> Planned:
    """Write the examples into a folder; nothing is sent or paid.

    Raises:
        NotFoundError, ConfigurationError: there is nothing to learn from, or nowhere to put it.
    """
    from sightline.gcp.storage import BucketPrefix
    from sightline.gcp.tuning import TuningAsked

    parent = _parent(settings, bucket)
    check_base(parameters.base_model)
    task, report = await _examples(settings, name, which, share, folder)
    identity = _identity(task, report, parameters)
    target = BucketPrefix.parse(f"{parent.uri()}/{task.name}-{identity[:12]}", "--bucket")
    from sightline.export.tuning_set import TRAIN, VALIDATION

    asked = TuningAsked(
        task=task.name,
        fingerprint=task.fingerprint,
        identity=identity,
        base_model=parameters.base_model,
        training_uri=target.uri(TRAIN),
        validation_uri=target.uri(VALIDATION),
        epochs=parameters.epochs,
        adapter_size=parameters.adapter_size,
        learning_rate_multiplier=parameters.learning_rate_multiplier,
    )
    usd = _usd_an_epoch(settings, parameters.base_model, report.training_tokens)
    return Planned(task, asked, report, target, usd)


def check_base(model: str) -> None:
    """Check that a model may be one that can be tuned.

    Raises:
        ConfigurationError: it is none of Google's.
    """
    if not model.startswith("gemini-"):
        raise ConfigurationError(
            f"{model!r} cannot be tuned; give --model, one of Google's such as"
            " gemini-3.5-flash-lite"
        )


def _parent(settings: Settings, bucket: str | None) -> BucketPrefix:
    from sightline.gcp.storage import BucketPrefix

    if bucket is not None:
        return BucketPrefix.parse(bucket, "--bucket")
    if not settings.gcs.bucket:
        raise ConfigurationError(
            "a tuning job reads its examples from a bucket, and none is named; give --bucket"
            " gs://bucket/prefix, or set gcs.bucket"
        )
    return BucketPrefix.parse(f"{settings.gcs.bucket}/{FOLDER}", "gcs.bucket")


async def _examples(
    settings: Settings, name: str | None, which: Filter, share: float, folder: Path
) -> tuple[TaskSpec, TuningSetReport]:
    from sightline.cli.output import progress_bar
    from sightline.export.tuning import DEAD
    from sightline.export.tuning_set import TuningSet
    from sightline.operations.reading.answers_by_asset import each_page, selected_answers
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        answers = warehouse.answers
        query, total = await selected_answers(warehouse, name, which)
        task = query.task
        with TuningSet(folder, task, share=share) as examples:
            await each_page(answers, query, total, examples.write, progress_bar)
            report = examples.finish()
        coverage = await answers.coverage(which, task)
        report.examples.left_out[DEAD] = sum(one.dead for one in coverage)
    return task, report


def _identity(task: TaskSpec, report: TuningSetReport, parameters: Parameters) -> str:
    """Return the name of all that makes a model: two jobs of one identity would give the same."""
    what = {
        "content": report.content,
        "fingerprint": task.fingerprint,
        "base_model": parameters.base_model,
        "epochs": parameters.epochs,
        "adapter_size": parameters.adapter_size,
        "learning_rate_multiplier": parameters.learning_rate_multiplier,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _usd_an_epoch(settings: Settings, model: str, tokens: int) -> float | None:
    from sightline.wiring import pricing

    price = pricing(settings).price_of(model)
    if price is None or price.training_usd is None:
        return None
    return tokens * price.training_usd / 1e6


def send(settings: Settings, planned: Planned, folder: Path) -> None:
    """Put the files of the folder into the bucket; what is there already is passed by.

    Raises:
        NotFoundError, ConfigurationError, TransientError: of the bucket.
    """
    from sightline.cli.cloud import google_credentials
    from sightline.cli.output import progress_bar
    from sightline.gcp.storage import StoragePlace, Upload, open_storage, upload_files
    from sightline.wiring.places import project

    files = [Upload(path, path.name) for path in sorted(folder.iterdir())]
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with (
        open_storage(place, credentials) as client,
        progress_bar("uploading", len(files)) as update,
    ):
        report = upload_files(
            client, place, planned.target, files, threads=4, total=len(files), on_progress=update
        )
    if report.failed_count:
        raise ConfigurationError(f"{report.failed[0]}; see to the disk, and run it again")
