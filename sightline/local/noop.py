"""Models that return a constant immediately, for measuring everything around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sightline.local.models.adapters import embedding, not_known
from sightline.model import Observation, Usage
from sightline.ports import Classification, Embedding
from sightline.tasks import TaskSpec


class NoopClassifier:
    """A valid answer to any task, in which every value is unknown.

    ``usage`` returns the cost that a call reports, for a task and a number of images: with it, a
    budget can be rehearsed without paying.
    """

    def __init__(
        self, model: str = "noop", *, usage: Callable[[TaskSpec, int], Usage] | None = None
    ) -> None:
        self._model = model
        self._usage = usage

    @property
    def model(self) -> str:
        """The name it was created with."""
        return self._model

    async def classify(
        self,
        task: TaskSpec,
        observations: Sequence[Observation],
        *,
        run_id: str,  # noqa: ARG002 - the port's
    ) -> Classification:
        """Return the constant answer."""
        answer = {field.name: not_known(field) for field in task.fields}
        usage = self._usage(task, len(observations)) if self._usage else Usage()
        return Classification(answer, usage=usage)


class NoopEmbedder:
    """One constant unit vector (all components equal) for every image and text."""

    def __init__(
        self, model: str = "noop", dimension: int = 256, *, usage: Usage | None = None
    ) -> None:
        self._model = model
        self._dimension = dimension
        vector = np.full(dimension, dimension**-0.5, np.float32)
        vector.setflags(write=False)
        self._embedding = replace(embedding(vector), usage=usage or Usage())

    @property
    def model(self) -> str:
        """The name it was created with."""
        return self._model

    @property
    def dimension(self) -> int:
        """The dimension of its vectors."""
        return self._dimension

    async def embed_image(
        self,
        observation: Observation,  # noqa: ARG002 - the port's
        *,
        run_id: str,  # noqa: ARG002 - the port's
    ) -> Embedding:
        """Return the constant vector."""
        return self._embedding

    async def embed_text(self, text: str) -> Embedding:  # noqa: ARG002 - the port's
        """Return the constant vector."""
        return self._embedding
