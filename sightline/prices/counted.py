"""Checks the token counts of a service: no call costs more than its request can have used.

A count is accepted up to the limits of the largest models. An impossible one (negative, larger, not
an integer) is replaced by a value from the request: the estimated input, or the maximum output. The
same applies to a missing input count if there is an answer, since the call was paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_INPUT_TOKENS = 2_097_152
"""The largest context window of any model (https://ai.google.dev/gemini-api/docs/long-context)."""

MOST_OUTPUT_TOKENS = 65_536
"""The longest answer of any model, thoughts included."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a request is expected to use: its estimated input, and its maximum output."""

    input_tokens: int = 0
    output_tokens: int = 0


def counted(value: object, *, most: int, expected: int) -> int:
    """Return a service's count; ``expected`` if it is impossible, 0 if it is missing."""
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    return expected


def counted_input(values: Sequence[object], expected: Expected, *, answered: bool) -> int:
    """Return the input tokens, counted in several values of which some may be missing."""
    if answered and all(value is None for value in values):
        return expected.input_tokens
    return _sum(values, MOST_INPUT_TOKENS, expected.input_tokens)


def counted_output(values: Sequence[object], expected: Expected) -> int:
    """Return the output tokens, counted in several values of which some may be missing."""
    return _sum(values, MOST_OUTPUT_TOKENS, expected.output_tokens)


def _sum(values: Sequence[object], most: int, expected: int) -> int:
    each = [counted(value, most=most, expected=-1) for value in values]
    return sum(each) if min(each) >= 0 and sum(each) <= most else expected
