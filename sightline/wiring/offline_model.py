"""The offline model, or ``noop`` in its place, as models of both ports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from sightline.local.images import ANYWHERE
from sightline.local.models import LocalClassifier, LocalEmbedder, LocalVision
from sightline.local.noop import NoopClassifier, NoopEmbedder
from sightline.model import Usage
from sightline.ports import Classifier, Embedder
from sightline.prices import ANSWER_TOKENS, answer_usage, embedding_usage
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.images import image_folders
from sightline.wiring.prices import NOOP, pricing


class OfflineModel:
    """The model, loaded on first use and shared by both ports.

    ``named``: its images are files that the user names, in any folder.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, named: bool) -> None:
        self._settings = settings
        self._stack = stack
        self._named = named
        self._vision: LocalVision | None = None

    async def classifier(self) -> Classifier:
        """Return the classifier; raises ``ConfigurationError`` if the weights cannot be loaded."""
        if self._settings.models.classify == NOOP:
            return NoopClassifier(usage=_pretended_answer(self._settings))
        return LocalClassifier(await self._loaded())

    async def embedder(self) -> Embedder:
        """Return the embedder; raises as ``classifier`` does."""
        models = self._settings.models
        if models.embed == NOOP:
            usage = _pretended_embedding(self._settings)
            return NoopEmbedder(dimension=models.embed_dimension, usage=usage)
        return LocalEmbedder(await self._loaded())

    async def _loaded(self) -> LocalVision:
        if self._vision is None:
            settings = self._settings
            opening = LocalVision.open(
                settings.models,
                settings.images,
                answers=settings.adapter("classify") == "local"
                and settings.models.classify != NOOP,
                embeds=settings.adapter("embed") == "local" and settings.models.embed != NOOP,
                folders=ANYWHERE if self._named else image_folders(settings),
            )
            self._vision = await self._stack.enter_async_context(opening)
        return self._vision


def _pretended_answer(settings: Settings) -> Callable[[TaskSpec, int], Usage] | None:
    """Return the cost that ``noop`` reports for an answer, if a price file names one."""
    prices = pricing(settings)
    if (price := prices.price_of(NOOP)) is None:
        return None
    return lambda task, images: answer_usage(
        task, price, images=images, output_tokens=ANSWER_TOKENS, location=prices.answers_at
    )


def _pretended_embedding(settings: Settings) -> Usage:
    """Return the cost that ``noop`` reports for an embedding."""
    prices = pricing(settings)
    return embedding_usage(prices.price_of(NOOP), location=prices.embeddings_at)
