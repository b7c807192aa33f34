"""The models: a classifier answers tasks, an embedder maps images and texts to vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sightline.model import Observation, Usage
from sightline.tasks import TaskSpec


@dataclass(frozen=True, slots=True)
class Classification:
    """A model's answer: decoded JSON, not yet validated against the task."""

    answer: Mapping[str, object]
    finish_reason: str = "STOP"
    usage: Usage = field(default_factory=Usage)


class Classifier(Protocol):
    """A model that answers tasks."""

    @property
    def model(self) -> str:
        """The model's name, as in part keys."""
        ...

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        """Answer a task about one subject, with exactly one call.

        Raises:
            ThrottledError, TransientError, PermanentError: see ``sightline.errors``.
            ConfigurationError: no call can succeed (credentials, a closed model).
        """
        ...


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector, shape (dimension,); for a query, also the words unknown to the model.

    ``says_nothing``: none of the words that are left says what an image shows, as "a" does not.
    """

    vector: Sequence[float]
    usage: Usage = field(default_factory=Usage)
    unknown_words: tuple[str, ...] = ()
    says_nothing: bool = False


class Embedder(Protocol):
    """A model that maps images and texts to vectors in one space."""

    @property
    def model(self) -> str:
        """The model's name, as in part keys."""
        ...

    @property
    def dimension(self) -> int:
        """The dimension of its vectors."""
        ...

    async def embed_image(self, observation: Observation, *, run_id: str) -> Embedding:
        """Embed one image; raises as ``Classifier.classify`` does."""
        ...

    async def embed_text(self, text: str) -> Embedding:
        """Embed a query; raises as ``Classifier.classify`` does."""
        ...
