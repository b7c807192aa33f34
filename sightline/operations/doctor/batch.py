"""Checks of batch jobs: their models, a folder to write to, and permission to read jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sightline.model import AnswerPart, EmbeddingPart
from sightline.operations.doctor.finding import Finding, attempt
from sightline.operations.doctor.remedies import (
    google_remedy,
    grant_on_bucket,
    grant_on_project,
    member,
    vertex_agent,
)
from sightline.settings import Settings
from sightline.wiring.batch import open_batch_folder, open_batch_jobs
from sightline.work_lists import check_in_batch

_WRITER = "roles/storage.objectUser"
_NAME = "sightline-doctor"


async def check_batch(settings: Settings) -> Sequence[Finding]:
    """Return the findings on what batch jobs need besides tables and images."""
    bucket = (settings.batch.bucket or settings.gcs.bucket).removeprefix("gs://").partition("/")[0]
    storage_remedy = google_remedy(
        settings,
        "storage.googleapis.com",
        denied=grant_on_bucket(bucket, member(settings), _WRITER),
        absent=f"gcloud storage buckets create gs://{bucket} --project={settings.gcp.project}",
        otherwise="set batch.bucket to gs://BUCKET/PREFIX",
    )
    vertex_remedy = google_remedy(
        settings,
        "aiplatform.googleapis.com",
        denied=grant_on_project(settings, "roles/aiplatform.user"),
        absent="set vertex.location to one that serves the models",
        otherwise="set vertex.location",
    )
    return (
        await attempt("batch models", lambda: _models(settings), "set models.classify and .embed"),
        await attempt("batch folder", lambda: _folder(settings, bucket), storage_remedy),
        await attempt("batch jobs", lambda: _jobs(settings), vertex_remedy),
    )


async def _models(settings: Settings) -> str:
    own = settings.models
    check_in_batch(AnswerPart("doctor", "", own.classify))
    check_in_batch(EmbeddingPart(own.embed, own.embed_dimension))
    return f"{own.classify} and {own.embed} can be used by batch jobs"


async def _folder(settings: Settings, bucket: str) -> str:
    """Write a file, read it, and remove it."""
    async with open_batch_folder(settings) as folder:
        await asyncio.to_thread(folder.write, f"{_NAME}/doctor.jsonl", [b"{}\n"])
        await asyncio.to_thread(lambda: list(folder.lines(_NAME)))
        await asyncio.to_thread(folder.clear, _NAME)
        grant = grant_on_bucket(bucket, vertex_agent(settings), _WRITER)
        return f"{folder.uri('')} can be used; Vertex AI writes there as its service agent: {grant}"


async def _jobs(settings: Settings) -> str:
    async with open_batch_jobs(settings, "classify") as jobs:
        await jobs.find(_NAME)
    return f"those in {settings.vertex.location} can be read"
