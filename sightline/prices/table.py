"""What calls cost: a dated price table, and the arithmetic. 1 USD is 1,000,000 micros.

Tokens times USD per million tokens are micros, so no unit is converted.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from sightline.errors import ConfigurationError
from sightline.given_files import obstacle
from sightline.model import Usage
from sightline.suggestions import did_you_mean

SHIPPED = "prices.toml"
MOST_USD = 1e5
"""The highest amount in an entry; with it, even the most tokens give a cost that can be stored."""

_OF_CALLS = ("input_usd", "output_usd", "usd_an_image", "usd_a_thousand_characters")
"""The amounts of which an entry needs at least one: without any, calls would cost nothing."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one call: ``cached`` and ``image`` are parts of ``input``."""

    input: int = 0
    output: int = 0
    cached: int = 0
    image: int = 0


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """The price of one token in micros: of input, cached input, and output."""

    input: float
    cached: float
    output: float


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price from a day on; see ``prices.toml`` for the meaning of each number.

    A tuned model costs the same as the model it was ``tuned_from``.
    """

    model: str
    since: date
    until: date | None = None
    input_usd: float = 0.0
    cached_input_usd: float | None = None
    image_input_usd: float | None = None
    output_usd: float = 0.0
    elsewhere: float = 1.0
    batch: float = 1.0
    tokens_an_image: int = 0
    usd_an_image: float = 0.0
    usd_a_thousand_characters: float = 0.0
    training_usd: float | None = None
    tuned_from: str = ""

    @property
    def base_model(self) -> str:
        """The model itself, or the one it was tuned from."""
        return self.tuned_from or self.model

    def is_old(self, today: date) -> bool:
        """Return whether the price was announced for a period that is over."""
        return self.until is not None and today > self.until

    def in_batch(self) -> Price:
        """Return the price of the same work in a batch prediction job.

        Cached input costs the same as elsewhere: the two discounts do not add up.
        """
        share = self.batch
        cached_usd, image_usd = self.cached_input_usd, self.image_input_usd
        return replace(
            self,
            input_usd=self.input_usd * share,
            cached_input_usd=None
            if cached_usd is None
            else min(cached_usd, self.input_usd * share),
            image_input_usd=None if image_usd is None else image_usd * share,
            output_usd=self.output_usd * share,
            usd_an_image=self.usd_an_image * share,
            usd_a_thousand_characters=self.usd_a_thousand_characters * share,
            batch=1.0,
        )

    def of_tokens(self, tokens: Tokens, *, location: str) -> Usage:
        """Return the usage and cost of a call with these tokens."""
        cached_usd = self.input_usd if self.cached_input_usd is None else self.cached_input_usd
        image_usd = self.input_usd if self.image_input_usd is None else self.image_input_usd
        plain = max(tokens.input - tokens.cached - tokens.image, 0)
        micros = (
            plain * self.input_usd
            + tokens.cached * cached_usd
            + tokens.image * image_usd
            + tokens.output * self.output_usd
        )
        return Usage(tokens.input, tokens.output, round(micros * self._factor(location)))

    def a_token(self, *, location: str) -> TokenPrice:
        """Return the price of one token, for code that counts tokens itself."""
        cached_usd = self.input_usd if self.cached_input_usd is None else self.cached_input_usd
        factor = self._factor(location)
        return TokenPrice(self.input_usd * factor, cached_usd * factor, self.output_usd * factor)

    def of_image(self, *, location: str) -> Usage:
        """Return the cost of the embedding of one image, if tokens are not counted."""
        return Usage(cost_usd_micros=round(self.usd_an_image * 1e6 * self._factor(location)))

    def of_text(self, text: str, *, location: str) -> Usage:
        """Return the cost of the embedding of a text, if tokens are not counted."""
        micros = len(text) * self.usd_a_thousand_characters * 1e3
        return Usage(cost_usd_micros=round(micros * self._factor(location)))

    def _factor(self, location: str) -> float:
        return 1.0 if location == "global" else self.elsewhere


def load_prices(own: Path | None = None) -> tuple[Price, ...]:
    """Return the shipped prices, followed by those of a file of the same form.

    Raises:
        ConfigurationError: the file cannot be read, or an entry is invalid.
    """
    shipped = files("sightline.prices").joinpath(SHIPPED).read_text(encoding="utf-8")
    prices = _parse(shipped, SHIPPED)
    if own is None:
        return prices
    if what := obstacle(own):
        raise ConfigurationError(f"prices = '{own}': {what}; give a TOML file")
    try:
        text = own.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{own} is not UTF-8; save it as UTF-8") from error
    return (*prices, *_parse(text, str(own)))


def price_of(prices: Sequence[Price], model: str, today: date) -> Price:
    """Return a model's price on a day; of two from the same day, the later one in the list.

    A tuned model has the price of the model it was tuned from.

    Raises:
        ConfigurationError: there is none, so that no budget could be enforced.
    """
    price = _listed(prices, model, today)
    if not price.tuned_from:
        return price
    base = _listed(prices, price.tuned_from, today)
    if base.tuned_from:
        raise ConfigurationError(
            f"{price.tuned_from!r} is a tuned model itself; let tuned_from of {model!r} name the"
            " model of Google's that both began from"
        )
    return replace(base, model=model, tuned_from=price.tuned_from)


def _listed(prices: Sequence[Price], model: str, today: date) -> Price:
    begun = [price for price in prices if price.model == model and price.since <= today]
    if not begun:
        known = sorted({price.model for price in prices})
        raise ConfigurationError(
            f"no price of {model!r} is known for {today}{did_you_mean(model, known)}, so its"
            " cost cannot be counted; add a [[price]] to a price file of your own (known:"
            f" {', '.join(known)}); that of a tuned model says tuned_from instead of numbers"
        )
    return max(enumerate(begun), key=lambda pair: (pair[1].since, pair[0]))[1]


def _parse(text: str, origin: str) -> tuple[Price, ...]:
    try:
        entries = tomllib.loads(text).get("price", [])
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{origin} is not TOML: {error}; fix it") from error
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise ConfigurationError(
            f"{origin}: price is not a list of tables; write [[price]] over each"
        )
    return tuple(_entry(entry, origin) for entry in entries)


def _entry(raw: dict[str, Any], origin: str) -> Price:
    known = {field.name for field in fields(Price)}
    unknown = sorted(set(raw) - known)
    numbers = {
        name: value
        for name, value in raw.items()
        if name not in {"model", "since", "until", "tuned_from"}
    }
    sound = (
        isinstance(raw.get("model"), str)
        and isinstance(raw.get("tuned_from", ""), str)
        and _is_day(raw.get("since"))
        and ("until" not in raw or _is_day(raw["until"]))
        and all(_is_amount(number) for number in numbers.values())
    )
    if unknown or not sound:
        raise ConfigurationError(
            f"{origin}: the price of {raw.get('model')!r} needs model, since (a day, without a"
            f" time) and numbers from 0 to {MOST_USD:,.0f}; accepted: {', '.join(sorted(known))}"
        )
    if raw.get("tuned_from") and numbers:
        raise ConfigurationError(
            f"{origin}: {raw['model']!r} costs what {raw['tuned_from']!r} does; remove"
            f" {', '.join(sorted(numbers))}, or tuned_from"
        )
    if not raw.get("tuned_from") and numbers.keys().isdisjoint(_OF_CALLS):
        raise ConfigurationError(
            f"{origin}: the price of {raw['model']!r} does not say what a call costs, so no budget"
            f" could be kept; add {', '.join(_OF_CALLS[:-1])} or {_OF_CALLS[-1]}, with 0 if it is"
            " free"
        )
    return Price(**raw)


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0 <= value <= MOST_USD
