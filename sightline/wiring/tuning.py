"""Tuning jobs, and the two models of a comparison, according to the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import date

from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.tuning.client import TuningClient, check_region
from sightline.ports import Classifier
from sightline.prices import Price, load_prices
from sightline.settings import Settings
from sightline.wiring.credentials import google_tokens
from sightline.wiring.ids import utc_now
from sightline.wiring.places import vertex_place


@asynccontextmanager
async def open_tuning(settings: Settings, location: str | None) -> AsyncIterator[TuningClient]:
    """Open the tuning jobs of a location, by default ``vertex.location``.

    Raises:
        ConfigurationError: no project, no region, no library or no credentials.
    """
    place = vertex_place(settings, "classify")
    place = replace(place, location=location or place.location)
    check_region(place.location)
    tokens = await asyncio.to_thread(google_tokens, settings, place.base_url)
    async with TuningClient.open(place, tokens.credentials) as client:
        yield client


@asynccontextmanager
async def open_compared(
    settings: Settings, base_model: str, endpoint: str
) -> AsyncIterator[tuple[Classifier, Classifier]]:
    """Open a base model at its configured location, and the model tuned from it at its endpoint.

    Raises:
        ConfigurationError: no credentials, or the base model has no price or is not served.
    """
    place = vertex_place(settings, "classify")
    tokens = await asyncio.to_thread(google_tokens, settings, place.base_url)
    prices = prices_with(settings, base_model, endpoint, utc_now().date())

    def opened(model: str) -> AbstractAsyncContextManager[Classifier]:
        return GeminiClassifier.open(
            model=model,
            place=place,
            tokens=tokens,
            prices=prices,
            today=lambda: utc_now().date(),
            timeout_s=settings.worker.call_timeout_s,
            max_response_bytes=settings.models.max_response_bytes,
        )

    async with (
        opened(base_model) as base,
        opened(endpoint) as tuned,
    ):
        yield base, tuned


def prices_with(
    settings: Settings, base_model: str, endpoint: str, today: date
) -> tuple[Price, ...]:
    """Return the prices, including that of a tuned model, which costs what its base model does."""
    prices = load_prices(settings.prices)
    return (*prices, Price(endpoint, today, tuned_from=base_model))
