"""What a response of Gemini means: an answer, or one of our errors, and what it cost. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sightline.errors import PermanentError, Reason, TransientError
from sightline.gcp.prices import Price, Tokens
from sightline.gcp.redaction import one_line
from sightline.model import Usage
from sightline.ports import Classification

if TYPE_CHECKING:
    from google.genai import types

FINISHED = "STOP"
REASONS = {
    "MAX_TOKENS": Reason.ANSWER_TRUNCATED,
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
"""Why an answer that ended so is given up; any other ending may not come again."""


def classification_of(
    response: types.GenerateContentResponse, price: Price, *, location: str
) -> Classification:
    """Return the answer in a response.

    Raises:
        PermanentError, TransientError: with what the call cost.
    """
    usage = usage_of(response, price, location=location)
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        said = feedback.block_reason_message or "no details"
        detail = f"the request was blocked: {_name(feedback.block_reason)} ({one_line(said)})"
        raise _given_up(Reason.BLOCKED_BY_SAFETY, detail, usage)
    if not response.candidates:
        raise _perhaps_later("an answer without a candidate", usage)
    (candidate, *_) = response.candidates
    ending = _name(candidate.finish_reason)
    if ending in REASONS:
        said = candidate.finish_message or "no details"
        raise _given_up(REASONS[ending], f"the answer ended by {ending} ({one_line(said)})", usage)
    if ending != FINISHED:
        raise _perhaps_later(f"an answer that ended by {ending or 'nothing'}", usage)
    parts = (candidate.content.parts if candidate.content else None) or []
    text = "".join(part.text or "" for part in parts if not part.thought)
    return Classification(_answer(text, usage), ending, usage)


def usage_of(response: types.GenerateContentResponse, price: Price, *, location: str) -> Usage:
    """Return what a response used and cost; tokens of thought are output."""
    counted = response.usage_metadata
    if counted is None:
        return Usage()
    tokens = Tokens(
        input=(counted.prompt_token_count or 0) + (counted.tool_use_prompt_token_count or 0),
        output=(counted.candidates_token_count or 0) + (counted.thoughts_token_count or 0),
        cached=counted.cached_content_token_count or 0,
    )
    return price.of_tokens(tokens, location=location)


def _name(value: object) -> str:
    """Return an enum's value; the library makes members for names that it does not know."""
    return str(getattr(value, "value", value or ""))


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


def _perhaps_later(what: str, usage: Usage) -> TransientError:
    return TransientError(
        f"the model gave {what}; trying again",
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd_micros=usage.cost_usd_micros,
    )
