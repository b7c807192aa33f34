"""What the configured models cost: the price table, and where each model is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sightline.settings import Settings
from sightline.wiring.ids import utc_now

if TYPE_CHECKING:
    from sightline.prices import Price


@dataclass(frozen=True, slots=True)
class Pricing:
    """Prices of models today, and the locations that may change them."""

    price_of: Callable[[str], Price | None]
    answers_at: str
    embeddings_at: str


def pricing(settings: Settings) -> Pricing:
    """Return the prices that the settings name; a model without one costs nothing.

    Adapters of models that are paid for refuse to open without a price.

    Raises:
        ConfigurationError: the price file cannot be read.
    """
    from sightline.prices import known_price, load_prices

    prices = load_prices(settings.prices)
    return Pricing(
        lambda model: known_price(prices, model, utc_now().date()),
        _location(settings, "classify"),
        _location(settings, "embed"),
    )


def _location(settings: Settings, port: Literal["classify", "embed"]) -> str:
    own = settings.vertex
    return own.embed_location or own.location if port == "embed" else own.location
