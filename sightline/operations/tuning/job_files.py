"""The files of a tuning job in its bucket: uploaded before submission, read for evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.errors import ConfigurationError
from sightline.export.tuning_set import HELD_OUT, TASK, HeldOut, read_held_out
from sightline.gcp.failures import STORAGE
from sightline.gcp.storage import (
    BucketPrefix,
    StoragePlace,
    Upload,
    bucket_and_name,
    open_storage,
    upload_files,
)
from sightline.gcp.tuning import TuningJob
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec, parse_task
from sightline.wiring.credentials import google_credentials
from sightline.wiring.places import project


@dataclass(frozen=True, slots=True)
class HeldOutSet:
    """A job's held-out part and its task, as at the job's submission."""

    task: TaskSpec
    rows: Sequence[HeldOut]


def upload_job_files(
    settings: Settings, folder: Path, target: BucketPrefix, progress: Progress
) -> None:
    """Upload the files of a folder; existing objects are skipped.

    Raises:
        NotFoundError, ConfigurationError, TransientError: from the bucket.
    """
    files = [Upload(path, path.name) for path in sorted(folder.iterdir())]
    with (
        _open_storage(settings) as (client, place),
        progress("uploading", len(files)) as update,
    ):
        report = upload_files(
            client, place, target, files, threads=4, total=len(files), on_progress=update
        )
    if report.failed_count:
        raise ConfigurationError(f"{report.failed[0]}; check the disk, and run it again")


def read_held_out_set(settings: Settings, job: TuningJob) -> HeldOutSet:
    """Return a job's held-out part, stored beside its examples.

    Raises:
        NotFoundError, ConfigurationError, TransientError: it is missing or cannot be read, or the
            job has no model, or was created by another program.
    """
    _check_can_be_evaluated(job)
    folder = job.validation_uri.rpartition("/")[0]
    with _open_storage(settings) as (client, place):
        text = _content(client, place, f"{folder}/{TASK}").decode(errors="replace")
        held_out = _content(client, place, f"{folder}/{HELD_OUT}")
        rows = list(read_held_out(held_out, f"{folder}/{HELD_OUT}"))
    if not rows:
        raise ConfigurationError(
            f"{folder}/{HELD_OUT} is empty; put back what `sightline tune submit` wrote, or submit"
            " another job"
        )
    return HeldOutSet(parse_task(text, f"{folder}/{TASK}").resolve(job.base_model), rows)


def _check_can_be_evaluated(job: TuningJob) -> None:
    if not job.succeeded:
        raise ConfigurationError(
            f"tuning job {job.number} is {job.state} and has no model to evaluate; `sightline tune"
            f" status {job.name} --wait` waits for it"
        )
    if not job.task:
        raise ConfigurationError(
            f"tuning job {job.number} was made by another program, which keeps no held-out part as"
            " Sightline does; submit one with `sightline tune submit`"
        )


@contextmanager
def _open_storage(settings: Settings) -> Iterator[tuple[Any, StoragePlace]]:
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    with open_storage(place, google_credentials(settings, settings.gcs.endpoint)) as client:
        yield client, place


def _content(client: Any, place: StoragePlace, uri: str) -> bytes:
    bucket, path = bucket_and_name(uri)
    absent = "`sightline tune submit` puts it there: only its jobs can be evaluated"
    with STORAGE.translated(uri, absent=absent):
        content: bytes = (
            client.bucket(bucket).blob(path).download_as_bytes(**place.request_options())
        )
    return content
