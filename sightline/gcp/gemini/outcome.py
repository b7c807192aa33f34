"""Translates a Gemini response into an answer or an error, with its cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.errors import Reason
from sightline.http_client.outcomes import answer_in, first, given_up, mapping, without_answer
from sightline.http_client.redaction import one_line
from sightline.model import Usage
from sightline.ports import Classification
from sightline.prices import Expected, Price, Tokens, counted, counted_input, counted_output

FINISHED = "STOP"
NOTHING = Expected()
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
"""The reasons for dead letters by finish reason, whether the answer was paid for or not."""


def classification_of(
    response: Mapping[str, Any], price: Price, *, location: str, expected: Expected = NOTHING
) -> Classification:
    """Return the answer in a response to a request with the ``expected`` usage.

    Raises:
        PermanentError, TransientError: there is no usable answer; the error has the call's cost.
    """
    usage = usage_of(response, price, location=location, expected=expected)
    feedback = mapping(response.get("promptFeedback"))
    if feedback.get("blockReason"):
        message = one_line(str(feedback.get("blockReasonMessage") or "no details"))
        detail = f"the request was blocked: {one_line(str(feedback['blockReason']))} ({message})"
        raise given_up(Reason.BLOCKED_BY_SAFETY, detail, usage)
    candidate = first(response.get("candidates"))
    if candidate is None:
        raise without_answer("an answer without a candidate", usage)
    ending = ending_of(candidate)
    if ending in REASONS:
        message = one_line(str(candidate.get("finishMessage") or "no details"))
        raise given_up(REASONS[ending], f"the answer ended by {ending} ({message})", usage)
    if ending != FINISHED:
        raise without_answer(f"an answer that ended by {ending or 'nothing'}", usage)
    return Classification(answer_in(text_of(candidate), usage), ending, usage)


def usage_of(
    response: Mapping[str, Any], price: Price, *, location: str, expected: Expected = NOTHING
) -> Usage:
    """Return the usage and the cost of a response; thinking tokens count as output."""
    usage = mapping(response.get("usageMetadata"))
    answered = ending_of(first(response.get("candidates")) or {}) == FINISHED

    def values(*names: str) -> list[object]:
        return [usage.get(name) for name in names]

    prompt = counted_input(
        values("promptTokenCount", "toolUsePromptTokenCount"), expected, answered=answered
    )
    tokens = Tokens(
        input=prompt,
        output=counted_output(values("candidatesTokenCount", "thoughtsTokenCount"), expected),
        cached=counted(usage.get("cachedContentTokenCount"), most=prompt, expected=0),
    )
    return price.of_tokens(tokens, location=location)


def ending_of(candidate: Mapping[str, Any]) -> str:
    """Return the finish reason of a candidate; empty if it has none."""
    return one_line(str(candidate.get("finishReason") or ""))


def text_of(candidate: Mapping[str, Any]) -> str:
    """Return the text of a candidate, without its thoughts."""
    parts = mapping(candidate.get("content")).get("parts")
    mappings = [mapping(part) for part in parts] if isinstance(parts, list) else []
    return "".join(str(part.get("text") or "") for part in mappings if not part.get("thought"))
