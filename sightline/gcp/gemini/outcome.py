"""What a response of Gemini means: an answer, or one of our errors, and what it cost. Pure.

What was paid for and holds no answer is given up with a reason: asking the same again would be
paid again, up to tries times deliveries. What was not paid is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from sightline.errors import CallError, PermanentError, Reason, TransientError
from sightline.model import Usage
from sightline.ports import Classification
from sightline.prices import Price, Tokens
from sightline.web.redaction import one_line

FINISHED = "STOP"
REASONS = {
    "MAX_TOKENS": Reason.ANSWER_TRUNCATED,
    "CONTINUATION": Reason.ANSWER_TRUNCATED,
    "SAFETY": Reason.BLOCKED_BY_SAFETY,
    "BLOCKLIST": Reason.BLOCKED_BY_SAFETY,
    "PROHIBITED_CONTENT": Reason.BLOCKED_BY_SAFETY,
    "SPII": Reason.BLOCKED_BY_SAFETY,
    "MODEL_ARMOR": Reason.BLOCKED_BY_SAFETY,
    "IMAGE_SAFETY": Reason.BLOCKED_BY_SAFETY,
    "IMAGE_PROHIBITED_CONTENT": Reason.BLOCKED_BY_SAFETY,
    "RECITATION": Reason.RECITATION,
    "IMAGE_RECITATION": Reason.RECITATION,
    "LANGUAGE": Reason.ANSWER_INVALID,
    "MALFORMED_FUNCTION_CALL": Reason.ANSWER_INVALID,
    "UNEXPECTED_TOOL_CALL": Reason.ANSWER_INVALID,
    "TOO_MANY_TOOL_CALLS": Reason.ANSWER_INVALID,
}
"""Why an answer that ended so is given up, paid or not."""


def classification_of(
    response: Mapping[str, Any], price: Price, *, location: str
) -> Classification:
    """Return the answer in a response.

    Raises:
        PermanentError, TransientError: with what the call cost.
    """
    usage = usage_of(response, price, location=location)
    feedback = _mapping(response.get("promptFeedback"))
    if feedback.get("blockReason"):
        said = one_line(str(feedback.get("blockReasonMessage") or "no details"))
        detail = f"the request was blocked: {one_line(str(feedback['blockReason']))} ({said})"
        raise _given_up(Reason.BLOCKED_BY_SAFETY, detail, usage)
    candidate = _first(response.get("candidates"))
    if candidate is None:
        raise _without_answer("an answer without a candidate", usage)
    ending = one_line(str(candidate.get("finishReason") or ""))
    if ending in REASONS:
        said = one_line(str(candidate.get("finishMessage") or "no details"))
        raise _given_up(REASONS[ending], f"the answer ended by {ending} ({said})", usage)
    if ending != FINISHED:
        raise _without_answer(f"an answer that ended by {ending or 'nothing'}", usage)
    return Classification(_answer(_text(candidate), usage), ending, usage)


def usage_of(response: Mapping[str, Any], price: Price, *, location: str) -> Usage:
    """Return what a response used and cost; tokens of thought are output."""
    counted = _mapping(response.get("usageMetadata"))

    def count(*names: str) -> int:
        values = (counted.get(name) for name in names)
        return sum(value for value in values if isinstance(value, int))

    tokens = Tokens(
        input=count("promptTokenCount", "toolUsePromptTokenCount"),
        output=count("candidatesTokenCount", "thoughtsTokenCount"),
        cached=count("cachedContentTokenCount"),
    )
    return price.of_tokens(tokens, location=location)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first(candidates: object) -> Mapping[str, Any] | None:
    match candidates:
        case [Mapping() as candidate, *_]:
            return candidate
        case _:
            return None


def _text(candidate: Mapping[str, Any]) -> str:
    parts = _mapping(candidate.get("content")).get("parts")
    found = [_mapping(one) for one in parts] if isinstance(parts, list) else []
    return "".join(str(one.get("text") or "") for one in found if not one.get("thought"))


def _answer(text: str, usage: Usage) -> dict[str, object]:
    try:
        answer = orjson.loads(text)
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
