"""Jobs of batch prediction, their folder, and who asks by them; opened by the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from sightline.errors import ConfigurationError
from sightline.gcp.batch.batch_submitter import BatchSubmitter
from sightline.gcp.batch.folder import BucketFolder
from sightline.gcp.batch.jobs import BatchJob, VertexBatchJobs
from sightline.gcp.batch.stage import LoadingStage
from sightline.gcp.bigquery import BigQueryClient
from sightline.gcp.sql.jobs import Jobs
from sightline.gcp.sql.pass_submitter import PassSubmitter
from sightline.gcp.storage import BucketPrefix, StoragePlace, open_storage
from sightline.model import AnswerPart
from sightline.ports import Ledgers
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials, google_tokens
from sightline.wiring.places import project, vertex_place

OnJob = Callable[[BatchJob], None]


@asynccontextmanager
async def open_batch(
    settings: Settings, jobs: Jobs, responses: BigQueryClient, ledgers: Ledgers, on_job: OnJob
) -> AsyncIterator[PassSubmitter]:
    """Open the submitter of batch jobs, whose output is loaded through ``responses``.

    Raises:
        ConfigurationError: no project or bucket is set, or there are no credentials.
    """
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(open_batch_folder(settings))
        answers = await stack.enter_async_context(open_batch_jobs(settings, "classify"))
        embeddings = answers
        if vertex_place(settings, "embed") != vertex_place(settings, "classify"):
            embeddings = await stack.enter_async_context(open_batch_jobs(settings, "embed"))
        yield BatchSubmitter(
            lambda part: answers if isinstance(part, AnswerPart) else embeddings,
            folder,
            jobs,
            LoadingStage(responses),
            ledgers.task_version,
            buckets=settings.images.buckets,
            look_every_s=settings.batch.look_every_s,
            on_job=on_job,
        )


@asynccontextmanager
async def open_batch_folder(settings: Settings) -> AsyncIterator[BucketFolder]:
    """Open where requests and outputs lie; raises as ``open_batch`` does."""
    root = batch_root(settings)
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    with open_storage(place, credentials) as client:
        yield BucketFolder(client, place, root)


@asynccontextmanager
async def open_batch_jobs(
    settings: Settings, port: Literal["classify", "embed"]
) -> AsyncIterator[VertexBatchJobs]:
    """Open the jobs of the location where a model is asked; raises as ``open_batch`` does."""
    place = vertex_place(settings, port)
    tokens = await asyncio.to_thread(google_tokens, settings, settings.vertex.endpoint)
    async with VertexBatchJobs.open(place, tokens.credentials) as jobs:
        yield jobs


def batch_root(settings: Settings) -> BucketPrefix:
    """Return where requests and outputs of batch jobs lie.

    Raises:
        ConfigurationError: no bucket is set, or it is none.
    """
    if settings.batch.bucket:
        return BucketPrefix.parse(settings.batch.bucket, "batch.bucket")
    if not settings.gcs.bucket:
        raise ConfigurationError(
            "batch jobs read requests from a bucket and write answers to it, and none is set; set"
            " batch.bucket to gs://BUCKET/PREFIX"
        )
    own = BucketPrefix.parse(settings.gcs.bucket, "gcs.bucket")
    return BucketPrefix(own.bucket, own.name("sightline-batch"))
