"""The models of one configuration; each port has its own adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.ports import Classifier, Embedder
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.wiring.offline_model import OfflineModel


@dataclass(frozen=True, slots=True)
class ModelSet:
    """The configured models, by name."""

    classify: Classifier
    embed: Embedder

    def classifier(self, model: str) -> Classifier:
        """Return the classifier of this name.

        Raises:
            ConfigurationError: it is not configured.
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
    """Open the configured models; the offline one is loaded, the others receive no request yet.

    Raises:
        ConfigurationError: a model is unknown, not served or without a price, or its weights cannot
            be loaded.
    """
    async with AsyncExitStack() as stack:
        adapters = _Adapters(settings, stack)
        yield ModelSet(await adapters.classifier(), await adapters.embedder())


@asynccontextmanager
async def open_query_embedder(settings: Settings) -> AsyncIterator[Embedder]:
    """Open the embedding model alone, for queries: it accepts image files that the user names.

    Raises:
        ConfigurationError: as ``open_models``.
    """
    async with AsyncExitStack() as stack:
        yield await _Adapters(settings, stack, named=True).embedder()


class _Adapters:
    """Opens the adapters that the settings name, and imports no others.

    ``named``: images are files that the user names, not those of rows or messages.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, named: bool = False) -> None:
        self._settings = settings
        self._stack = stack
        self._named = named
        self._offline: OfflineModel | None = None

    async def classifier(self) -> Classifier:
        adapter = self._settings.adapter("classify")
        if adapter == "local":
            return await self._offline_model().classifier()
        from sightline.wiring.remote_models import CLASSIFIERS  # noqa: PLC0415 - as above

        return await self._stack.enter_async_context(CLASSIFIERS[adapter](self._settings))

    async def embedder(self) -> Embedder:
        adapter = self._settings.adapter("embed")
        if adapter == "local":
            return await self._offline_model().embedder()
        from sightline.wiring.remote_models import EMBEDDERS  # noqa: PLC0415 - as above

        opening = EMBEDDERS[adapter](self._settings, named=self._named)
        return await self._stack.enter_async_context(opening)

    def _offline_model(self) -> OfflineModel:
        from sightline.wiring.offline_model import OfflineModel  # noqa: PLC0415 - as above

        if self._offline is None:
            self._offline = OfflineModel(self._settings, self._stack, named=self._named)
        return self._offline
