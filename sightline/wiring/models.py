"""The models behind one configuration: each port has an adapter of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.model import Usage
from sightline.ports import Classifier, Embedder
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.images import image_folders
from sightline.wiring.prices import pricing
from sightline.wiring.remote_models import (
    NOOP,
    gemini_classifier,
    gemini_embedder,
    openai_classifier,
    vertex_classifier,
    vertex_embedder,
)

if TYPE_CHECKING:
    from sightline.local.models import LocalVision


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


@asynccontextmanager
async def open_models(settings: Settings) -> AsyncIterator[ModelSet]:
    """Open the configured models; the offline one is loaded, the others are not asked yet.

    Raises:
        ConfigurationError: a model is not known, not served or without a price; or its weights
            cannot be loaded.
    """
    async with AsyncExitStack() as stack:
        offline = _Offline(settings, stack)
        yield ModelSet(
            await stack.enter_async_context(_classifier(settings, offline)),
            await stack.enter_async_context(_embedder(settings, offline)),
        )


@asynccontextmanager
async def open_query_embedder(settings: Settings) -> AsyncIterator[Embedder]:
    """Open the embedding model alone, for queries: it takes the image files that a person names.

    Raises:
        ConfigurationError: as ``open_models``.
    """
    async with AsyncExitStack() as stack:
        offline = _Offline(settings, stack, named=True)
        yield await stack.enter_async_context(_embedder(settings, offline, named=True))


class _Offline:
    """The offline model, loaded when it is first needed and shared by both ports.

    ``named``: its images are files that a person names, wherever they are.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, named: bool = False) -> None:
        self._settings = settings
        self._named = named
        self._stack = stack
        self._vision: LocalVision | None = None

    async def vision(self) -> LocalVision:
        from sightline.local.images import ANYWHERE
        from sightline.local.models import LocalVision

        if self._vision is None:
            own = self._settings
            opening = LocalVision.open(
                own.models,
                own.images,
                answers=own.adapter("classify") == "local" and own.models.classify != NOOP,
                embeds=own.adapter("embed") == "local" and own.models.embed != NOOP,
                folders=ANYWHERE if self._named else image_folders(own),
            )
            self._vision = await self._stack.enter_async_context(opening)
        return self._vision


@asynccontextmanager
async def _offline_classifier(settings: Settings, offline: _Offline) -> AsyncIterator[Classifier]:
    if settings.models.classify == NOOP:
        from sightline.local.noop import NoopClassifier

        yield NoopClassifier(usage=_pretended_answer(settings))
        return
    from sightline.local.models import LocalClassifier

    yield LocalClassifier(await offline.vision())


@asynccontextmanager
async def _offline_embedder(settings: Settings, offline: _Offline) -> AsyncIterator[Embedder]:
    if settings.models.embed == NOOP:
        from sightline.local.noop import NoopEmbedder

        dimension = settings.models.embed_dimension
        yield NoopEmbedder(dimension=dimension, usage=_pretended_embedding(settings))
        return
    from sightline.local.models import LocalEmbedder

    yield LocalEmbedder(await offline.vision())


def _classifier(settings: Settings, offline: _Offline) -> AbstractAsyncContextManager[Classifier]:
    match settings.adapter("classify"):
        case "vertex":
            return vertex_classifier(settings)
        case "gemini":
            return gemini_classifier(settings)
        case "openai":
            return openai_classifier(settings)
        case _:
            return _offline_classifier(settings, offline)


def _embedder(
    settings: Settings, offline: _Offline, *, named: bool = False
) -> AbstractAsyncContextManager[Embedder]:
    """Return the embedder; ``named``: of images that a person names, not a row or a message."""
    match settings.adapter("embed"):
        case "vertex":
            return vertex_embedder(settings, named=named)
        case "gemini":
            return gemini_embedder(settings, named=named)
        case _:
            return _offline_embedder(settings, offline)


def _pretended_answer(settings: Settings) -> Callable[[TaskSpec, int], Usage] | None:
    """Return what an answer of ``noop`` pretends to cost, where a price file says so."""
    from sightline.prices import ANSWER_TOKENS, answer_usage

    own = pricing(settings)
    if (price := own.price_of(NOOP)) is None:
        return None
    return lambda task, images: answer_usage(
        task, price, images=images, output_tokens=ANSWER_TOKENS, location=own.answers_at
    )


def _pretended_embedding(settings: Settings) -> Usage:
    """Return what an embedding by ``noop`` pretends to cost."""
    from sightline.prices import embedding_usage

    own = pricing(settings)
    return embedding_usage(own.price_of(NOOP), location=own.embeddings_at)
