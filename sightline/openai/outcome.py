"""What a chat completion means: an answer, or one of our errors, and what it cost. Pure.

As with Gemini, what was paid for (in tokens) and holds no answer is given up with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sightline.errors import CallError, PermanentError, Reason, TransientError
from sightline.model import Usage
from sightline.ports import Classification
from sightline.web.redaction import one_line

Cost = Callable[[int, int], int]
"""Returns micros of a US dollar for so many tokens in and out."""

FINISHED = "stop"
REASONS = {"length": Reason.ANSWER_TRUNCATED, "content_filter": Reason.BLOCKED_BY_SAFETY}


def classification_of(response: Mapping[str, Any], cost: Cost) -> Classification:
    """Return the answer in a response.

    Raises:
        PermanentError, TransientError: with what the call cost.
    """
    usage = usage_of(response, cost)
    choice = _first(response.get("choices"))
    if choice is None:
        raise _without_answer("an answer without a choice", usage)
    message = _mapping(choice.get("message"))
    if message.get("refusal"):
        said = one_line(str(message["refusal"]))
        raise _given_up(Reason.BLOCKED_BY_SAFETY, f"the model refused: {said}", usage)
    ending = one_line(str(choice.get("finish_reason") or ""))
    if ending in REASONS:
        raise _given_up(REASONS[ending], f"the answer ended by {ending}", usage)
    if ending != FINISHED:
        raise _without_answer(f"an answer that ended by {ending or 'nothing'}", usage)
    return Classification(_answer(message.get("content"), usage), ending.upper(), usage)


def usage_of(response: Mapping[str, Any], cost: Cost) -> Usage:
    """Return the tokens that a response counts, and what they cost."""
    counted = _mapping(response.get("usage"))
    tokens = [
        value if isinstance(value := counted.get(name), int) else 0
        for name in ("prompt_tokens", "completion_tokens")
    ]
    return Usage(tokens[0], tokens[1], cost(tokens[0], tokens[1]))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first(choices: object) -> Mapping[str, Any] | None:
    match choices:
        case [Mapping() as choice, *_]:
            return choice
        case _:
            return None


def _answer(content: object, usage: Usage) -> dict[str, object]:
    try:
        answer = orjson.loads(content if isinstance(content, str) else "")
    except orjson.JSONDecodeError as error:
        raise _given_up(Reason.ANSWER_INVALID, f"the answer is not JSON: {error}", usage) from None
    if not isinstance(answer, dict):
        raise _given_up(Reason.ANSWER_INVALID, "the answer is not a JSON object", usage)
    return answer


def _given_up(reason: Reason, detail: str, usage: Usage) -> PermanentError:
    return PermanentError(
        reason,
        detail,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd_micros=usage.cost_usd_micros,
    )


def _without_answer(what: str, usage: Usage) -> CallError:
    if usage.input_tokens or usage.output_tokens:
        return _given_up(Reason.ANSWER_INVALID, f"the model gave {what}", usage)
    return TransientError(f"the model gave {what}; trying again")
