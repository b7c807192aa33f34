"""Google Cloud's adapters: a Pub/Sub topic, a BigQuery dataset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from sightline.gcp.bigquery import (
    AppendRule,
    BigQueryAnswers,
    BigQueryBudgets,
    BigQueryClient,
    BigQueryConsistency,
    BigQueryDeadLetters,
    BigQueryGallery,
    BigQueryLedgers,
    BigQueryRuns,
    BigQuerySearch,
    BigQuerySource,
    BigQueryUpkeep,
    BigQueryVectorIndexes,
    BigQueryVectors,
    BigQueryWriter,
    ItemReader,
    LedgerAppender,
)
from sightline.gcp.pubsub import PubSubPublisher, PubSubSubscription, PullRule
from sightline.gcp.sql.queue import WorkListQueue
from sightline.gcp.storage import BucketPeers, BucketPrefix, StoragePlace
from sightline.ports import Peers, Queue, UnseenPeers, Warehouse
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials
from sightline.wiring.ids import new_worker_id
from sightline.wiring.parts import OpenQueue
from sightline.wiring.places import bigquery_place, project, pubsub_place, source_table


@asynccontextmanager
async def open_pubsub(settings: Settings) -> AsyncIterator[OpenQueue]:
    """Open the topic and its subscription, and the workers' reports; sends no request yet.

    Raises:
        ConfigurationError: no project is set, or there are no credentials.
    """
    place = pubsub_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    rule = PullRule(backstop_attempts=settings.queue.backstop_attempts)
    async with (
        PubSubPublisher.open(place, credentials=credentials) as publisher,
        PubSubSubscription.open(place, rule=rule, credentials=credentials) as subscription,
        open_peers(settings) as peers,
    ):
        yield OpenQueue(
            Queue(publisher=publisher, subscription=subscription, backlog=subscription, peers=peers)
        )


@asynccontextmanager
async def open_peers(settings: Settings) -> AsyncIterator[Peers]:
    """Open the workers' reports, if a place for them is set; sends no request yet.

    Raises:
        ConfigurationError: the place is not a bucket, or no project is set.
    """
    if not settings.worker.peers:
        yield UnseenPeers()
        return
    endpoint = settings.gcs.endpoint or None
    root = BucketPrefix.parse(settings.worker.peers, "worker.peers")
    place = StoragePlace(project(settings), endpoint)
    credentials = partial(google_credentials, settings, endpoint)
    async with BucketPeers.open(root, place, credentials) as peers:
        yield peers


@asynccontextmanager
async def open_work_list(settings: Settings) -> AsyncIterator[OpenQueue]:
    """Open the work lists as a queue, for engines without messages; raises as ``open_bigquery``."""
    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    async with BigQueryClient.open(place, credentials) as client:
        queue = WorkListQueue(BigQueryLedgers(client).missing)
        yield OpenQueue(Queue(publisher=queue, subscription=queue, backlog=queue))


@asynccontextmanager
async def open_bigquery(
    settings: Settings, *, now: Callable[[], datetime]
) -> AsyncIterator[Warehouse]:
    """Open the dataset, with the clock of its locks; sends no request yet.

    Raises:
        ConfigurationError: no project is set, or there are no credentials.
    """
    place = bigquery_place(settings)
    rule = AppendRule(appends=1) if place.storage_endpoint else None
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    async with (
        BigQueryClient.open(place, credentials) as client,
        LedgerAppender.open(place, credentials, rule=rule) as appender,
        ItemReader.open(place, credentials) as reader,
    ):
        results = BigQueryWriter(appender, client)
        yield Warehouse(
            settings=settings,
            source=BigQuerySource(
                client,
                appender,
                source_table(settings),
                reader=reader,
                buckets=settings.producer.buckets,
                range_items=settings.producer.range_items,
                owner=new_worker_id(),
                now=now,
            ),
            results=results,
            ledgers=BigQueryLedgers(client),
            runs=BigQueryRuns(client, appender),
            dead_letters=BigQueryDeadLetters(client, results),
            search=BigQuerySearch(client),
            indexes=BigQueryVectorIndexes(client),
            upkeep=BigQueryUpkeep(client),
            answers=BigQueryAnswers(client),
            vectors=BigQueryVectors(client),
            budgets=BigQueryBudgets(client, appender),
            consistency=BigQueryConsistency(client),
            gallery=BigQueryGallery(client),
        )
