"""The ports ``Classifier`` and ``Embedder`` over one ``LocalVision``; calls cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from sightline.local.models.vision import LocalVision
from sightline.model import Observation
from sightline.ports import Classification, Embedding
from sightline.tasks import TaskSpec
from sightline.vision.answers import completed, not_known
from sightline.vision.serving import Vector, mean_direction

__all__ = ["LocalClassifier", "LocalEmbedder", "embedding", "mean_direction", "not_known"]


class LocalClassifier:
    """Answers tasks zero-shot; fields that the model was not measured on are unknown."""

    def __init__(self, vision: LocalVision) -> None:
        self._vision = vision

    @property
    def model(self) -> str:
        """The model's name, as in the settings."""
        return self._vision.name

    async def classify(
        self,
        task: TaskSpec,
        observations: Sequence[Observation],
        *,
        run_id: str,  # noqa: ARG002 - the port's; calls are not billed
    ) -> Classification:
        """Answer a task about one subject, by the mean direction of its images.

        Raises:
            PermanentError, TransientError: the error of the first image that cannot be read.
        """
        outcomes = await asyncio.gather(
            *(self._vision.image_vector(observation.gcs_uri) for observation in observations),
            return_exceptions=True,
        )
        vectors: list[Vector] = []
        for vector in outcomes:
            if isinstance(vector, BaseException):
                raise vector
            vectors.append(vector)
        answered = await self._vision.answer(
            task.fields, mean_direction(vectors), asset_types=task.asset_types
        )
        return Classification(completed(task.fields, answered))


class LocalEmbedder:
    """Embeds images and texts; vectors are read-only ``numpy.float32`` arrays of unit length."""

    def __init__(self, vision: LocalVision) -> None:
        self._vision = vision

    @property
    def model(self) -> str:
        """The model's name, as in the settings."""
        return self._vision.name

    @property
    def dimension(self) -> int:
        """The dimension of its vectors."""
        return self._vision.encoder.dimension

    async def embed_image(
        self,
        observation: Observation,
        *,
        run_id: str,  # noqa: ARG002 - the port's; calls are not billed
    ) -> Embedding:
        """Embed one image.

        Raises:
            PermanentError, TransientError: the image cannot be read.
        """
        return embedding(await self._vision.image_vector(observation.gcs_uri))

    async def embed_text(self, text: str) -> Embedding:
        """Embed a query."""
        embedded = embedding(await self._vision.text_vector(text))
        encoder = self._vision.encoder
        return replace(
            embedded,
            unknown_words=tuple(encoder.unknown_words(text)),
            says_nothing=encoder.says_nothing(text),
        )


def embedding(vector: Vector) -> Embedding:
    """Return an embedding over an array, which is a sequence except for its declared type."""
    return Embedding(cast("Sequence[float]", vector))
