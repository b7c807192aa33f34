"""Shared by the responses of all models: decoding JSON, and the errors of missing answers.

A paid response without a usable answer fails permanently: each retry would be paid again, up to
tries times deliveries. An unpaid one is retried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from sightline.errors import CallError, PermanentError, Reason, TransientError
from sightline.model import Usage


def decoded(raw: bytes) -> object:
    """Return the JSON in a body, or ``None`` if it is not JSON.

    What only the JSON standard forbids (NaN, half of a surrogate pair) is accepted: the response is
    paid for and is not requested again. The result is validated like any other value.
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
    """Return a JSON object, or an empty one for any other value."""
    return value if isinstance(value, Mapping) else {}


def first(values: object) -> Mapping[str, Any] | None:
    """Return the first item of a list, if it is a JSON object."""
    match values:
        case [Mapping() as document, *_]:
            return document
        case _:
            return None


def answer_in(text: str, usage: Usage) -> dict[str, object]:
    """Return the answer in a text, not yet validated against a task.

    Raises:
        PermanentError: ``answer_invalid``, with the cost of the call.
    """
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise given_up(Reason.ANSWER_INVALID, f"the answer is not JSON: {error}", usage) from None
    if not isinstance(answer, dict):
        raise given_up(Reason.ANSWER_INVALID, "the answer is not a JSON object", usage)
    return answer


def given_up(reason: Reason, detail: str, usage: Usage) -> PermanentError:
    """Return the error of an unusable response, with its cost."""
    return PermanentError(
        reason,
        detail,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd_micros=usage.cost_usd_micros,
    )


def with_most_cost(error: PermanentError, most: Usage) -> PermanentError:
    """Return an error with the highest cost its call can have had, if its usage was not read."""
    if error.reason is not Reason.ANSWER_TOO_LARGE:
        return error
    return given_up(error.reason, error.detail, most)


def without_answer(what: str, usage: Usage) -> CallError:
    """Return the error of a response without an answer: permanent if paid for, else transient."""
    if usage.input_tokens or usage.output_tokens:
        return given_up(Reason.ANSWER_INVALID, f"the model gave {what}", usage)
    return TransientError(f"the model gave {what}; trying again")
