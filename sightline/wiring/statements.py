"""Engines without workers: batches, their statements, and their models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery import BigQueryClient
from sightline.gcp.bigquery.locks import LockTiming, TableLocks
from sightline.gcp.bigquery.place import BigQueryPlace, checked_table
from sightline.gcp.sql.by_statement import Functions, RemoteModelCalls, StatementSubmitter
from sightline.gcp.sql.images import Images, ObjectTable, References
from sightline.gcp.sql.jobs import BigQueryJobs, Jobs
from sightline.gcp.sql.part_batches import BigQueryPartBatches
from sightline.gcp.sql.pass_submitter import PassSubmitter
from sightline.gcp.sql.remote_models import BigQueryModels, RemoteModel, remote_model
from sightline.gcp.sql.result_mappings import ResultMappings
from sightline.model import AnswerPart, Part
from sightline.ports import Ledgers, PartBatches, Runs
from sightline.settings import Settings
from sightline.wiring.batch import OnJob, open_batch
from sightline.wiring.credentials import google_credentials
from sightline.wiring.engine import engine_of_runs
from sightline.wiring.ids import utc_now
from sightline.wiring.places import bigquery_place, vertex_place
from sightline.wiring.prices import run_pricing
from sightline.work_lists import BY_BATCH_JOBS

PATIENCE_S = 90.0
"""How long to wait for a batch's lock, in seconds: well beyond a killed process's hold."""


@asynccontextmanager
async def open_part_batches(
    settings: Settings,
    runs: Runs,
    ledgers: Ledgers,
    *,
    worker_id: str,
    on_job: OnJob = lambda _: None,
) -> AsyncIterator[PartBatches]:
    """Open the batches of the configured dataset and engine; sends no request yet.

    ``on_job`` is called with a batch job each time its state is read.

    Raises:
        ConfigurationError: no project, connection or bucket is set, or there are no credentials.
    """
    place, models = bigquery_place(settings), models_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    prices = run_pricing(settings)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(BigQueryClient.open(place, credentials))
        responses = await stack.enter_async_context(BigQueryClient.open(models, credentials))
        mappings = ResultMappings(
            ledgers.task_version,
            prices.price_of,
            place=place,
            answers_at=prices.answers_at,
            embeddings_at=prices.embeddings_at,
        )
        jobs = BigQueryJobs(client, look_every_s=settings.sql.look_every_s)
        engine = engine_of_runs(settings)
        submitter: PassSubmitter
        if engine == BY_BATCH_JOBS:
            submitter = await stack.enter_async_context(
                open_batch(settings, jobs, responses, ledgers, on_job)
            )
        else:
            submitter = _statements(settings, jobs, client, models, ledgers)
        locks = TableLocks(client, worker_id, utc_now, timing=LockTiming(patience_s=PATIENCE_S))
        yield BigQueryPartBatches(
            jobs,
            runs,
            place,
            responses,
            mappings,
            submitter,
            locks,
            worker_id=worker_id,
            engine=engine,
        )


def _statements(
    settings: Settings,
    jobs: Jobs,
    client: BigQueryClient,
    models: BigQueryPlace,
    ledgers: Ledgers,
) -> PassSubmitter:
    if not settings.sql.connection:
        raise ConfigurationError(
            "BigQuery calls models through a connection, and none is set; set sql.connection or run"
            " `sightline config from-stack`"
        )
    model_calls = RemoteModelCalls(
        BigQueryModels(client, models),
        lambda part: _definition(settings, part),
        ledgers.task_version,
        models=models,
        functions=Functions(settings.sql.answers, settings.sql.embeddings),
    )
    return StatementSubmitter(jobs, model_calls, _images(settings))


@asynccontextmanager
async def open_remote_models(settings: Settings) -> AsyncIterator[BigQueryModels]:
    """Open the remote models of the configured dataset; raises as ``open_part_batches`` does."""
    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    async with BigQueryClient.open(place, credentials) as client:
        yield BigQueryModels(client, models_place(settings))


def models_place(settings: Settings) -> BigQueryPlace:
    """Return the dataset of remote models, and of responses until they are written."""
    own = bigquery_place(settings)
    return replace(own, dataset=settings.sql.models_dataset or f"{own.dataset}_models")


def _definition(settings: Settings, part: Part) -> RemoteModel:
    place = vertex_place(settings, "classify" if isinstance(part, AnswerPart) else "embed")
    return remote_model(part.model, place, settings.sql.connection)


def _images(settings: Settings) -> Images:
    buckets = settings.images.buckets
    if settings.sql.object_table:
        table = checked_table(settings.sql.object_table, "sql.object_table")
        return ObjectTable(table, buckets)
    return References(settings.sql.connection, buckets)
