"""Interprets a chat completion: an answer or an error, and its cost. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sightline.errors import Reason
from sightline.http_client.outcomes import answer_in, first, given_up, mapping, without_answer
from sightline.http_client.redaction import one_line
from sightline.model import Usage
from sightline.ports import Classification
from sightline.prices import Expected, counted_input, counted_output

Cost = Callable[[int, int], int]
"""Returns micros of a US dollar for these input and output tokens."""

FINISHED = "stop"
NOTHING = Expected()
REASONS = {"length": Reason.ANSWER_TRUNCATED, "content_filter": Reason.BLOCKED_BY_SAFETY}


def classification_of(
    response: Mapping[str, Any], cost: Cost, expected: Expected = NOTHING
) -> Classification:
    """Return the answer in a response; ``expected`` is the estimated usage of its request.

    Raises:
        PermanentError, TransientError: with the cost of the call.
    """
    usage = usage_of(response, cost, expected)
    choice = first(response.get("choices"))
    if choice is None:
        raise without_answer("an answer without a choice", usage)
    message = mapping(choice.get("message"))
    if message.get("refusal"):
        refusal = one_line(str(message["refusal"]))
        raise given_up(Reason.BLOCKED_BY_SAFETY, f"the model refused: {refusal}", usage)
    ending = one_line(str(choice.get("finish_reason") or ""))
    if ending in REASONS:
        raise given_up(REASONS[ending], f"the answer ended by {ending}", usage)
    if ending != FINISHED:
        raise without_answer(f"an answer that ended by {ending or 'nothing'}", usage)
    return Classification(answer_in(_text(message), usage), ending.upper(), usage)


def usage_of(response: Mapping[str, Any], cost: Cost, expected: Expected = NOTHING) -> Usage:
    """Return the tokens that a response reports, and their cost."""
    counts = mapping(response.get("usage"))
    choice = first(response.get("choices")) or {}
    prompt = counted_input(
        [counts.get("prompt_tokens")], expected, answered=choice.get("finish_reason") == FINISHED
    )
    answer = counted_output([counts.get("completion_tokens")], expected)
    return Usage(prompt, answer, cost(prompt, answer))


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""
