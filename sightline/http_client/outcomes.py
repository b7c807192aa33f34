"""What every model's response has in common: JSON to be looked into, and answers not to be had.

What was paid for and holds no answer is given up with a reason: asking the same again would be
paid again, up to tries times deliveries. What was not paid is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from sightline.errors import CallError, PermanentError, Reason, TransientError
from sightline.model import Usage


def decoded(raw: bytes) -> object:
    """Return the JSON in a body, or ``None`` where there is none.

    What only JSON forbids (a NaN, half of a surrogate pair) is read: the response is paid for, and
    is not asked for again. What comes of it is judged like any other value.
    """
    document: object
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError):
            return None
    return document


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one where something else stands."""
    return value if isinstance(value, Mapping) else {}


def first(values: object) -> Mapping[str, Any] | None:
    """Return the first of a list, if it is a JSON object."""
    match values:
        case [Mapping() as document, *_]:
            return document
        case _:
            return None


def answer_in(text: str, usage: Usage) -> dict[str, object]:
    """Return the answer that a text is, not yet validated against a task.

    Raises:
        PermanentError: ``answer_invalid``, with what the call cost.
    """
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise given_up(Reason.ANSWER_INVALID, f"the answer is not JSON: {error}", usage) from None
    if not isinstance(answer, dict):
        raise given_up(Reason.ANSWER_INVALID, "the answer is not a JSON object", usage)
    return answer


def given_up(reason: Reason, detail: str, usage: Usage) -> PermanentError:
    """Return the error of a call that has no use, with what it cost."""
    return PermanentError(
        reason,
        detail,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd_micros=usage.cost_usd_micros,
    )


def with_most_cost(error: PermanentError, most: Usage) -> PermanentError:
    """Return an error with what its call can have cost at most, where nobody read what it did."""
    if error.reason is not Reason.ANSWER_TOO_LARGE:
        return error
    return given_up(error.reason, error.detail, most)


def without_answer(what: str, usage: Usage) -> CallError:
    """Return the error of a response without an answer: paid it is given up, else tried again."""
    if usage.input_tokens or usage.output_tokens:
        return given_up(Reason.ANSWER_INVALID, f"the model gave {what}", usage)
    return TransientError(f"the model gave {what}; trying again")
