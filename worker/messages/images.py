"""Checks the buckets that messages name before a model that reads buckets itself is called.

Such a model reads with an account that may access more than this job's images. Anybody who may
publish can write a message, so a message must not choose the bucket freely.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sightline.errors import PermanentError, Reason
from sightline.model import Observation
from sightline.ports import Classification, Classifier, Embedder, Embedding, Ledgers
from sightline.settings import Settings
from sightline.tasks import TaskSpec

READS_BUCKETS = "vertex"
"""The adapter whose models read images from buckets; the others receive the image's bytes."""


class Models(Protocol):
    """The models that a worker can call, by the names in messages."""

    def classifier(self, model: str) -> Classifier:
        """Return a classifier, or raise ConfigurationError."""
        ...

    def embedder(self, model: str, dimension: int) -> Embedder:
        """Return an embedder, or raise ConfigurationError."""
        ...


class AllowedBuckets:
    """The buckets ``named`` in the settings; if there are none, those of enqueued observations."""

    def __init__(
        self,
        named: Collection[str],
        enqueued: Callable[[], Awaitable[frozenset[str]]],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._named = frozenset(named)
        self._enqueued = enqueued
        self._monotonic = monotonic
        self._known: frozenset[str] = self._named
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def check(self, observations: Sequence[Observation]) -> None:
        """Check the buckets of these images; files are checked when they are read.

        Raises:
            PermanentError: ``bad_uri``.
            TransientError, StorageError, ConfigurationError: the ledgers cannot be read.
        """
        for observation in observations:
            bucket = bucket_of(observation.gcs_uri)
            if bucket and not await self._allows(bucket):
                raise PermanentError(
                    Reason.BAD_URI,
                    f"{observation.gcs_uri[:200]!r} is in the bucket {bucket[:80]}, which"
                    f" {self._why_not()}; if images of it may be sent to a model, add it to"
                    " images.buckets, and replay",
                )

    async def _allows(self, bucket: str) -> bool:
        if bucket in self._known:
            return True
        if self._named:
            return False
        arrived = self._monotonic()
        async with self._reading:
            # A read after the message arrived includes its row: rows are written before messages.
            if self._read_at is None or self._read_at < arrived:
                at = self._monotonic()
                self._known = await self._enqueued()
                self._read_at = at
        return bucket in self._known

    def _why_not(self) -> str:
        return "images.buckets does not name" if self._named else "no observation enqueued here has"


@dataclass(frozen=True, slots=True)
class _CheckedClassifier:
    """A classifier that is called only for images in allowed buckets."""

    inner: Classifier
    buckets: AllowedBuckets

    @property
    def model(self) -> str:
        """The model's name."""
        return self.inner.model

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        """Answer as the classifier does; ``bad_uri`` for a bucket that is not allowed."""
        await self.buckets.check(observations)
        return await self.inner.classify(task, observations, run_id=run_id)


@dataclass(frozen=True, slots=True)
class _CheckedEmbedder:
    """An embedder that is called only for images in allowed buckets."""

    inner: Embedder
    buckets: AllowedBuckets

    @property
    def model(self) -> str:
        """The model's name."""
        return self.inner.model

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        return self.inner.dimension

    async def embed_image(self, observation: Observation, *, run_id: str) -> Embedding:
        """Embed as the embedder does; ``bad_uri`` for a bucket that is not allowed."""
        await self.buckets.check((observation,))
        return await self.inner.embed_image(observation, run_id=run_id)

    async def embed_text(self, text: str) -> Embedding:
        """Embed a query."""
        return await self.inner.embed_text(text)


@dataclass(frozen=True, slots=True)
class CheckedModels:
    """The models; those that read buckets themselves are called for allowed buckets only."""

    inner: Models
    buckets: AllowedBuckets
    classify: bool
    embed: bool

    def classifier(self, model: str) -> Classifier:
        """Return the classifier of this name; raises as the models do."""
        classifier = self.inner.classifier(model)
        return _CheckedClassifier(classifier, self.buckets) if self.classify else classifier

    def embedder(self, model: str, dimension: int) -> Embedder:
        """Return the embedder of this name and dimension; raises as the models do."""
        embedder = self.inner.embedder(model, dimension)
        return _CheckedEmbedder(embedder, self.buckets) if self.embed else embedder


def checked_models(models: Models, ledgers: Ledgers, settings: Settings) -> CheckedModels:
    """Return the models as a worker with these settings may call them."""
    return CheckedModels(
        models,
        AllowedBuckets(settings.images.buckets, ledgers.image_buckets, monotonic=time.monotonic),
        classify=settings.adapter("classify") == READS_BUCKETS,
        embed=settings.adapter("embed") == READS_BUCKETS,
    )


def bucket_of(uri: str) -> str:
    """Return the bucket of a ``gs://`` URI; empty for any other URI."""
    return uri.removeprefix("gs://").partition("/")[0] if uri.startswith("gs://") else ""
