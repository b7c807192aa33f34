"""Remote models: on Vertex AI, by a Gemini key, or with OpenAI's protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Literal, Protocol

from sightline.errors import ConfigurationError
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.service import GEMINI_API
from sightline.model import Observation
from sightline.openai import ChatClassifier
from sightline.ports import Classifier, Embedder
from sightline.prices import Tokens, load_prices
from sightline.settings import Settings
from sightline.wiring.credentials import google_tokens
from sightline.wiring.ids import utc_now
from sightline.wiring.places import vertex_place
from sightline.wiring.prices import NOOP, pricing


@asynccontextmanager
async def vertex_classifier(settings: Settings) -> AsyncIterator[Classifier]:
    """Open Gemini on Vertex AI.

    Raises:
        ConfigurationError: no project or no credentials, or the model is not served or has no
            price.
    """
    place = vertex_place(settings, "classify")
    async with GeminiClassifier.open(
        model=_remote_model(settings.models.classify, "models.classify"),
        place=place,
        tokens=await asyncio.to_thread(google_tokens, settings, place.base_url),
        prices=load_prices(settings.prices),
        today=_today,
        timeout_s=settings.worker.call_timeout_s,
        max_response_bytes=settings.models.max_response_bytes,
    ) as classifier:
        yield classifier


@asynccontextmanager
async def vertex_embedder(settings: Settings, *, named: bool = False) -> AsyncIterator[Embedder]:
    """Open an embedding model on Vertex AI; raises as ``vertex_classifier`` does.

    It reads images from buckets; with ``named``, image files that the user names are sent to it
    too, for queries.
    """
    place = vertex_place(settings, "embed")
    async with GoogleEmbedder.open(
        model=_remote_model(settings.models.embed, "models.embed"),
        dimension=settings.models.embed_dimension,
        place=place,
        tokens=await asyncio.to_thread(google_tokens, settings, place.base_url),
        prices=load_prices(settings.prices),
        today=_today,
        timeout_s=settings.worker.call_timeout_s,
        max_response_bytes=settings.models.max_response_bytes,
        read_image=_image_reader(settings, named=True) if named else None,
    ) as embedder:
        yield embedder


@asynccontextmanager
async def gemini_classifier(settings: Settings) -> AsyncIterator[Classifier]:
    """Open Gemini by an API key; images go inside the requests.

    Raises:
        ConfigurationError: there is no key, or the model has no price.
    """
    async with GeminiClassifier.open_with_key(
        model=_remote_model(settings.models.classify, "models.classify"),
        api_key=_key(settings.gemini.api_key_env),
        read_image=_image_reader(settings),
        prices=load_prices(settings.prices),
        today=_today,
        timeout_s=settings.worker.call_timeout_s,
        max_response_bytes=settings.models.max_response_bytes,
        base_url=settings.gemini.endpoint,
    ) as classifier:
        yield classifier


@asynccontextmanager
async def gemini_embedder(settings: Settings, *, named: bool = False) -> AsyncIterator[Embedder]:
    """Open an embedding model by an API key; raises as ``gemini_classifier`` does.

    ``named``: its images are files that the user names, in any folder, for queries.
    """
    async with GoogleEmbedder.open_with_key(
        model=_remote_model(settings.models.embed, "models.embed"),
        dimension=settings.models.embed_dimension,
        api_key=_key(settings.gemini.api_key_env),
        read_image=_image_reader(settings, named=named),
        prices=load_prices(settings.prices),
        today=_today,
        timeout_s=settings.worker.call_timeout_s,
        max_response_bytes=settings.models.max_response_bytes,
        base_url=settings.gemini.endpoint,
    ) as embedder:
        yield embedder


@asynccontextmanager
async def openai_classifier(settings: Settings) -> AsyncIterator[Classifier]:
    """Open a model with OpenAI's chat completions; a model without a price costs nothing.

    Raises:
        ConfigurationError: the endpoint or the key is invalid.
    """
    model = settings.models.classify
    price = pricing(settings).price_of(model)

    def cost_usd_micros(input_tokens: int, output_tokens: int) -> int:
        if price is None:
            return 0
        used = price.of_tokens(Tokens(input_tokens, output_tokens), location="global")
        return used.cost_usd_micros

    async with ChatClassifier.open(
        model=model,
        base_url=settings.openai.endpoint,
        read_image=_image_reader(settings),
        timeout_s=settings.worker.call_timeout_s,
        max_response_bytes=settings.models.max_response_bytes,
        api_key=os.environ.get(settings.openai.api_key_env, ""),
        cost=cost_usd_micros,
    ) as classifier:
        yield classifier


CLASSIFIERS: Mapping[str, Callable[[Settings], AbstractAsyncContextManager[Classifier]]] = {
    "vertex": vertex_classifier,
    "gemini": gemini_classifier,
    "openai": openai_classifier,
}


def model_urls(settings: Settings) -> Mapping[str, str]:
    """Return where the remote models are asked: the URL of each service, by what it is for.

    Raises:
        ConfigurationError: no project is set, where Vertex AI is asked.
    """
    urls: dict[str, str] = {}
    ports: tuple[Literal["classify", "embed"], ...] = ("classify", "embed")
    for port in ports:
        adapter = settings.adapter(port)
        if adapter == "openai":
            urls[port] = settings.openai.endpoint
        elif adapter == "gemini":
            urls[port] = settings.gemini.endpoint or GEMINI_API
        elif adapter == "vertex":
            urls[port] = vertex_place(settings, port).endpoint
    return urls


class _OpensEmbedder(Protocol):
    def __call__(
        self, settings: Settings, *, named: bool
    ) -> AbstractAsyncContextManager[Embedder]: ...


EMBEDDERS: Mapping[str, _OpensEmbedder] = {"vertex": vertex_embedder, "gemini": gemini_embedder}


def _image_reader(
    settings: Settings, *, named: bool = False
) -> Callable[[Observation], Awaitable[bytes]]:
    """Return a reader of image files; none for Vertex AI, which reads buckets itself."""
    from sightline.wiring import images  # noqa: PLC0415 - Pillow, which workers on Vertex AI do not need

    if named:
        return images.named_image_reader(settings)
    return images.image_reader(settings, images.image_folders(settings))


def _today() -> date:
    return utc_now().date()


def _key(variable: str) -> str:
    """Return the key in an environment variable.

    Raises:
        ConfigurationError: there is none.
    """
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigurationError(
            f"no API key is in {variable}; export {variable}=..., or name another variable in"
            " gemini.api_key_env"
        )
    return key


def _remote_model(name: str, setting: str) -> str:
    """Return the name of a model that Google serves.

    Raises:
        ConfigurationError: it is the offline model's.
    """
    if name.startswith("demo-") or name == NOOP:
        raise ConfigurationError(
            f"{setting} = {name!r} is an offline model, but the service is Google; set it to one of"
            " Google's, as `sightline init` does"
        )
    return name
