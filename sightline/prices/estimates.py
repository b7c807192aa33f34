"""Estimates the cost of calls before they are made: estimated tokens, prices from the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from sightline.model import Usage
from sightline.prices.table import Price, Tokens, price_of
from sightline.tasks import TaskSpec

TOKENS_AN_IMAGE = {"low": 280, "medium": 560, "high": 1120}
"""By media resolution, as Gemini 3 counts them: https://ai.google.dev/gemini-api/docs/media-resolution."""

BYTES_A_TOKEN = 4
"""Google's rule of thumb for English: https://ai.google.dev/gemini-api/docs/tokens."""

ANSWER_TOKENS = 200
"""The assumed length of an answer, including thoughts, until a ledger or a pilot shows it."""


def known_price(prices: Sequence[Price], model: str, today: date) -> Price | None:
    """Return a model's price, or ``None`` for a model that costs nothing, such as a local one."""
    if all(price.model != model for price in prices):
        return None
    return price_of(prices, model, today)


def prompt_tokens(task: TaskSpec) -> int:
    """Return the approximate number of tokens in a task's prompt and response schema."""
    text = task.prompt + json.dumps(task.response_schema(), separators=(",", ":"))
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def input_tokens(task: TaskSpec, images: float) -> int:
    """Return the approximate number of tokens that a call sends, with this many images."""
    return prompt_tokens(task) + round(TOKENS_AN_IMAGE[task.media_resolution] * images)


def answer_usage(
    task: TaskSpec, price: Price | None, *, images: float, output_tokens: float, location: str
) -> Usage:
    """Return the approximate usage and cost of one answer."""
    tokens = Tokens(
        input=input_tokens(task, images),
        output=min(round(output_tokens), task.max_output_tokens),
    )
    if price is None:
        return Usage(tokens.input, tokens.output)
    return price.of_tokens(tokens, location=location)


def embedding_usage(price: Price | None, *, location: str) -> Usage:
    """Return the approximate usage and cost of the embedding of one image."""
    if price is None:
        return Usage()
    if not price.tokens_an_image:
        return price.of_image(location=location)
    tokens = Tokens(input=price.tokens_an_image, image=price.tokens_an_image)
    return price.of_tokens(tokens, location=location)
