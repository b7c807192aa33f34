"""Puts the adapters that the settings name behind the ports; adapters are imported here only."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.ports import (
    BacklogReader,
    Classifier,
    DeadLetters,
    Embedder,
    Ledgers,
    ObservationSource,
    Publisher,
    ResultWriter,
    Runs,
    Search,
    Subscription,
)
from sightline.settings import Settings
from sightline.tasks import TaskSpec, load_tasks, shipped_directory


@dataclass(frozen=True, slots=True)
class Engine:
    """Every port but the models, behind one configuration."""

    settings: Settings
    source: ObservationSource
    publisher: Publisher
    subscription: Subscription
    backlog: BacklogReader
    results: ResultWriter
    ledgers: Ledgers
    runs: Runs
    dead_letters: DeadLetters
    search: Search


@dataclass(frozen=True, slots=True)
class ModelSet:
    """The models that are configured, by name."""

    classify: Classifier
    embed: Embedder

    def classifier(self, model: str) -> Classifier:
        """Return the classifier of this name.

        Raises:
            ConfigurationError: this configuration has none so named.
        """
        if model != self.classify.model:
            raise ConfigurationError(
                f"a message asks for the model {model!r}, and {self.classify.model!r} is"
                " configured; set models.classify, or cancel the run"
            )
        return self.classify

    def embedder(self, model: str, dimension: int) -> Embedder:
        """Return the embedder of this name and dimension; raises as ``classifier`` does."""
        if (model, dimension) != (self.embed.model, self.embed.dimension):
            raise ConfigurationError(
                f"a message asks for embeddings by {model!r} of {dimension} dimensions, and"
                f" {self.embed.model!r} of {self.embed.dimension} is configured;"
                " set models.embed and models.embed_dimension, or cancel the run"
            )
        return self.embed


def warehouse_path(settings: Settings) -> Path:
    """Return where the local ledgers are."""
    return settings.home / "warehouse"


def source_path(settings: Settings) -> Path:
    """Return where imported observations are."""
    return settings.home / "source"


def queue_path(settings: Settings) -> Path:
    """Return where the local queue is."""
    return settings.home / "queue.db"


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """Open every port but the models.

    Raises:
        ConfigurationError, StorageError: a part of the engine cannot be opened.
    """
    from sightline.local.queue import LocalQueue, stream_bodies
    from sightline.local.warehouse import (
        LocalDeadLetters,
        LocalLedgers,
        LocalRuns,
        LocalSearch,
        LocalSource,
        LocalWriter,
    )

    root = warehouse_path(settings)
    async with LocalQueue.open(
        queue_path(settings), backstop_attempts=settings.queue.backstop_attempts
    ) as queue:
        yield Engine(
            settings=settings,
            source=LocalSource(
                root,
                source_path(settings),
                buckets=settings.producer.buckets,
                range_items=settings.producer.range_items,
            ),
            publisher=queue,
            subscription=queue,
            backlog=queue,
            results=LocalWriter(root),
            ledgers=LocalLedgers(root),
            runs=LocalRuns(root, lambda run_id: stream_bodies(queue_path(settings), run_id)),
            dead_letters=LocalDeadLetters(root),
            search=LocalSearch(root),
        )


@asynccontextmanager
async def open_models(settings: Settings) -> AsyncIterator[ModelSet]:
    """Load the configured models.

    Raises:
        ConfigurationError: a model is not known, or its weights cannot be loaded.
    """
    own = settings.models
    if (own.classify, own.embed) == ("noop", "noop"):
        from sightline.local.noop import NoopClassifier, NoopEmbedder

        yield ModelSet(NoopClassifier(), NoopEmbedder(dimension=own.embed_dimension))
        return
    from sightline.local.models import LocalClassifier, LocalEmbedder, LocalVision

    async with LocalVision.open(own, settings.images) as vision:
        yield ModelSet(LocalClassifier(vision), LocalEmbedder(vision))


def known_tasks(settings: Settings) -> Mapping[str, TaskSpec]:
    """Return the shipped tasks and, over them, those of the ``tasks_dir`` setting."""
    own = (settings.tasks_dir,) if settings.tasks_dir else ()
    return load_tasks((shipped_directory(), *own))


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def new_run_id(now: datetime) -> str:
    """Return a run's id: its time and some randomness, in an order that sorts."""
    return f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def new_id() -> str:
    """Return an id that nothing else has."""
    return uuid.uuid4().hex


def new_worker_id() -> str:
    """Return a worker's id: host, process, and some randomness."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
