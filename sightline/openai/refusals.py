"""Converts an HTTP error of such a service to one of our errors, with a reason. Pure.

The servers agree on codes and on little else: an error is ``{"error": {"message": ...}}`` (OpenAI,
vLLM), ``{"error": "..."}``, ``{"message": ...}`` (older vLLM) or ``{"detail": ...}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    SightlineError,
    ThrottledError,
    TransientError,
)
from sightline.http_client.redaction import one_line
from sightline.http_client.retry_after import retry_after_s

_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_FILTERED = frozenset({"content_filter", "content_policy_violation"})
_TOO_LARGE = re.compile(
    r"(?i)(image|payload|body|file).{0,60}(too large|exceeds|larger than|size limit)"
)
_UNREADABLE = re.compile(
    r"(?i)cannot identify image|(invalid|unsupported|corrupt|truncated|broken) image"
    r"|(load|decode|read|process|parse|open)(ing)? (the |this |your |base64 )*(input )?image"
    r"|image (data|format|url|file).{0,40}(invalid|not valid|not supported|unsupported)"
)
_MODEL = re.compile(r"(?i)\bmodel\b.{0,200}(not found|does not exist|not loaded|not support)")


@dataclass(frozen=True, slots=True)
class OpenAiRefusal:
    """An HTTP error: its code, the names and the text in its body, and the retry delay."""

    code: int
    names: frozenset[str]
    message: str
    retry_after_s: float | None


def read_refusal(code: int, body: object, headers: Mapping[str, str]) -> OpenAiRefusal:
    """Return the content of an error response; empty if its body has no known form."""
    outer = body if isinstance(body, Mapping) else {}
    inner = outer.get("error", outer)
    error = inner if isinstance(inner, Mapping) else {"message": inner}
    text = error.get("message") or error.get("detail") or ""
    names = {value for name in ("code", "type") if isinstance(value := error.get(name), str)}
    return OpenAiRefusal(code, frozenset(names), one_line(str(text)), retry_after_s(headers))


def error_of(refusal: OpenAiRefusal, *, model: str) -> SightlineError:
    """Return the error for a refusal, with the retry delay if the server sent one."""
    code, text = refusal.code, refusal.message.rstrip(". ") or "no details"
    if code == 429 and not refusal.names & _NO_CREDIT:
        return ThrottledError(
            f"{model} is over its limit (429); slowing down", retry_after_s=refusal.retry_after_s
        )
    if code in {408, 409, 425, 499} or code >= 500:
        return TransientError(
            f"{model} answered {code} ({text}); trying again", retry_after_s=refusal.retry_after_s
        )
    reason = _reason_of(refusal)
    if reason is not None:
        return PermanentError(reason, f"{model} answered {code}: {text}")
    return _misconfigured(code, text, model)


def _reason_of(refusal: OpenAiRefusal) -> Reason | None:
    """Return why this request can never succeed; ``None`` if no request could."""
    text = refusal.message
    if refusal.names & _FILTERED:
        return Reason.BLOCKED_BY_SAFETY
    if refusal.code == 413:
        return Reason.IMAGE_TOO_LARGE
    if refusal.code not in {400, 422} or not text or _MODEL.search(text):
        return None
    if _TOO_LARGE.search(text):
        return Reason.IMAGE_TOO_LARGE
    return Reason.IMAGE_UNREADABLE if _UNREADABLE.search(text) else Reason.MODEL_REJECTED_REQUEST


def _misconfigured(code: int, text: str, model: str) -> ConfigurationError:
    if code in {401, 403}:
        hint = "set a valid key in the variable that openai.api_key_env names"
    elif code in {402, 429}:
        hint = "the account has no credit left; add some, or ask another service"
    else:
        hint = (
            "see that openai.endpoint ends as the service's does (/v1), and serves models.classify"
        )
    return ConfigurationError(f"{model} may not be asked ({code}: {text}); {hint}")
