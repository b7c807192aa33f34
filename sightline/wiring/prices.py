"""The prices of the configured models, and the location of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sightline.gcp.vertex_location import tuned_location
from sightline.prices import Price, known_price, load_prices
from sightline.settings import Settings
from sightline.wiring.ids import utc_now

NOOP = "noop"
"""The name of the model that returns fixed answers without any computation."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """Today's prices of models, and the locations on which they depend."""

    price_of: Callable[[str], Price | None]
    answers_at: str
    embeddings_at: str


def pricing(settings: Settings) -> Pricing:
    """Return the prices for these settings; a model without a price costs nothing.

    The adapters of paid models refuse to open without a price.

    Raises:
        ConfigurationError: the price file cannot be read.
    """
    prices = load_prices(settings.prices)
    return Pricing(
        lambda model: known_price(prices, model, utc_now().date()),
        _location(settings, "classify"),
        _location(settings, "embed"),
    )


def run_pricing(settings: Settings) -> Pricing:
    """Return the prices for runs of the settings' engine; raises as ``pricing`` does.

    Batch prediction jobs have their own rate. Google also bills the calls of BigQuery's functions
    to Gemini 2 and later at that rate; its documentation says nothing like it of embeddings.
    """
    own = pricing(settings)
    if settings.adapter("queue") != "work_list":
        return own
    embedding = settings.models.embed if settings.engine != "batch" else None

    def price_of(model: str) -> Price | None:
        price = own.price_of(model)
        return price if price is None or model == embedding else price.in_batch()

    return replace(own, price_of=price_of)


def _location(settings: Settings, port: Literal["classify", "embed"]) -> str:
    own = settings.vertex
    if port == "classify" and (tuned := tuned_location(settings.models.classify)) is not None:
        return tuned
    return own.embed_location or own.location if port == "embed" else own.location
