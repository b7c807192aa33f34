"""What calls cost: a dated price table, and estimates of calls that are not made yet."""

from sightline.prices.estimates import (
    ANSWER_TOKENS,
    BYTES_A_TOKEN,
    TOKENS_AN_IMAGE,
    answer_usage,
    embedding_usage,
    input_tokens,
    known_price,
    prompt_tokens,
)
from sightline.prices.table import SHIPPED, Price, Tokens, load_prices, price_of

__all__ = [
    "ANSWER_TOKENS",
    "BYTES_A_TOKEN",
    "SHIPPED",
    "TOKENS_AN_IMAGE",
    "Price",
    "Tokens",
    "answer_usage",
    "embedding_usage",
    "input_tokens",
    "known_price",
    "load_prices",
    "price_of",
    "prompt_tokens",
]
