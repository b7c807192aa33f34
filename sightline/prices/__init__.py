"""The cost of calls: a dated price table, and estimates of future calls."""

from sightline.prices.counted import (
    MOST_INPUT_TOKENS,
    MOST_OUTPUT_TOKENS,
    Expected,
    counted,
    counted_input,
    counted_output,
)
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
    "MOST_INPUT_TOKENS",
    "MOST_OUTPUT_TOKENS",
    "SHIPPED",
    "TOKENS_AN_IMAGE",
    "Expected",
    "Price",
    "Tokens",
    "answer_usage",
    "counted",
    "counted_input",
    "counted_output",
    "embedding_usage",
    "input_tokens",
    "known_price",
    "load_prices",
    "price_of",
    "prompt_tokens",
]
