"""The models behind one configuration: each port has an adapter of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.model import Usage
from sightline.ports import Classifier, Embedder
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.credentials import google_tokens
from sightline.wiring.ids import utc_now
from sightline.wiring.places import vertex_place
from sightline.wiring.prices import pricing

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
            await _classifier(settings, offline, stack), await _embedder(settings, offline, stack)
        )


class _Offline:
    """The offline model, loaded when it is first needed and shared by both ports."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._vision: LocalVision | None = None

    async def vision(self) -> LocalVision:
        from sightline.local.models import LocalVision

        if self._vision is None:
            own = self._settings
            opening = LocalVision.open(own.models, own.images)
            self._vision = await self._stack.enter_async_context(opening)
        return self._vision


NOOP = "noop"


async def _classifier(settings: Settings, offline: _Offline, stack: AsyncExitStack) -> Classifier:
    match settings.adapter("classify"):
        case "vertex":
            return await stack.enter_async_context(_vertex_classifier(settings))
        case "local" if settings.models.classify == NOOP:
            from sightline.local.noop import NoopClassifier

            return NoopClassifier(usage=_pretended_answer(settings))
        case "local":
            from sightline.local.models import LocalClassifier

            return LocalClassifier(await offline.vision())
        case other:
            raise ConfigurationError(f"adapters.classify = {other!r} is not there yet")


async def _embedder(settings: Settings, offline: _Offline, stack: AsyncExitStack) -> Embedder:
    match settings.adapter("embed"):
        case "vertex":
            return await stack.enter_async_context(_vertex_embedder(settings))
        case "local" if settings.models.embed == NOOP:
            from sightline.local.noop import NoopEmbedder

            return NoopEmbedder(
                dimension=settings.models.embed_dimension, usage=_pretended_embedding(settings)
            )
        case "local":
            from sightline.local.models import LocalEmbedder

            return LocalEmbedder(await offline.vision())
        case other:
            raise ConfigurationError(f"adapters.embed = {other!r} is not there yet")


def _pretended_answer(settings: Settings) -> Callable[[TaskSpec, int], Usage] | None:
    """Return what an answer of ``noop`` pretends to cost, where a price file says so."""
    from sightline.pricing import ANSWER_TOKENS, answer_usage

    own = pricing(settings)
    if (price := own.price_of(NOOP)) is None:
        return None
    return lambda task, images: answer_usage(
        task, price, images=images, output_tokens=ANSWER_TOKENS, location=own.answers_at
    )


def _pretended_embedding(settings: Settings) -> Usage:
    """Return what an embedding by ``noop`` pretends to cost."""
    from sightline.pricing import embedding_usage

    own = pricing(settings)
    return embedding_usage(own.price_of(NOOP), location=own.embeddings_at)


@asynccontextmanager
async def _vertex_classifier(settings: Settings) -> AsyncIterator[Classifier]:
    from sightline.gcp.gemini import GeminiClassifier
    from sightline.gcp.prices import load_prices

    place = vertex_place(settings, "classify")
    async with GeminiClassifier.open(
        model=_cloud_model(settings.models.classify, "models.classify"),
        place=place,
        tokens=await asyncio.to_thread(google_tokens, settings, place.base_url),
        prices=load_prices(settings.prices),
        today=lambda: utc_now().date(),
        timeout_s=settings.worker.call_timeout_s,
    ) as classifier:
        yield classifier


@asynccontextmanager
async def _vertex_embedder(settings: Settings) -> AsyncIterator[Embedder]:
    from sightline.gcp.embedding import GoogleEmbedder
    from sightline.gcp.prices import load_prices

    place = vertex_place(settings, "embed")
    async with GoogleEmbedder.open(
        model=_cloud_model(settings.models.embed, "models.embed"),
        dimension=settings.models.embed_dimension,
        place=place,
        tokens=await asyncio.to_thread(google_tokens, settings, place.base_url),
        prices=load_prices(settings.prices),
        today=lambda: utc_now().date(),
        timeout_s=settings.worker.call_timeout_s,
    ) as embedder:
        yield embedder


def _cloud_model(name: str, setting: str) -> str:
    """Return the name of a model of Google's.

    Raises:
        ConfigurationError: it is that of the offline model.
    """
    if name.startswith("demo-") or name == NOOP:
        raise ConfigurationError(
            f"{setting} = {name!r} is an offline model, and Vertex AI is asked; set it to one of"
            " Google's, as `sightline init` does"
        )
    return name
