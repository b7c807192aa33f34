"""Translates the status of an output line into one that the statements can judge.

A status is an HTTP error as text: ``Bad Request: {"error": {"code": 400, ...}}``. It is read with
the workers' table of errors, so that both report the same reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from sightline.gcp.refusals import error_of, read_refusal
from sightline.gcp.sql.judging import RETRYABLE_PREFIX
from sightline.http_client.redaction import one_line

NO_RESPONSE = f"{RETRYABLE_PREFIX}: the job returned no response for this part"

_HTTP_OF_RPC = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 13: 500,
    14: 503, 15: 500, 16: 401,
}  # fmt: skip
"""HTTP codes by ``google.rpc.Code``."""

_HTTP_OF_STATUS = {
    "CANCELLED": 499, "UNKNOWN": 500, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404, "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429, "ABORTED": 409,
    "INTERNAL": 500, "UNAVAILABLE": 503, "UNAUTHENTICATED": 401,
}  # fmt: skip

_TRANSIENT = re.compile(
    r"\b(429|499|50[0234])\b|RESOURCE_EXHAUSTED|UNAVAILABLE|DEADLINE_EXCEEDED|INTERNAL\b|CANCELLED"
    r"|(?i:resource exhausted|too many requests|deadline exceeded|service unavailable"
    r"|internal (server )?error|bad gateway|gateway time-?out|try again|retry)"
)


def http_code(code: object, status: object = "") -> int:
    """Return the HTTP code for an error's HTTP or ``google.rpc`` code or status; 0 if unknown."""
    number = code if isinstance(code, int) and not isinstance(code, bool) else 0
    return _HTTP_OF_RPC.get(number, number) or _HTTP_OF_STATUS.get(str(status), 0)


def judged_status(status: object, *, model: str) -> str:
    """Return a status that the statements can judge: empty, retryable, or with a reason.

    ``status`` is the value in the line: text, or an error as JSON.
    """
    if not status:
        return ""
    error = _error_in(status)
    code = http_code(error.get("code"), error.get("status"))
    if not code:
        message = one_line(status if isinstance(status, str) else orjson.dumps(status).decode())
        return f"{RETRYABLE_PREFIX}: {message}" if _TRANSIENT.search(message) else message
    refused = error_of(read_refusal(code, {"error": error}, {}), model=model)
    match refused:
        case ThrottledError() | TransientError():
            return f"{RETRYABLE_PREFIX}: {one_line(str(error.get('message') or refused))}"
        case PermanentError():
            return str(refused)
        case ConfigurationError() if code in {401, 403}:
            return f"{Reason.PERMISSION_DENIED}: {refused}"
        case _:
            return f"{Reason.MODEL_REJECTED_REQUEST}: {refused}"


def _error_in(status: object) -> Mapping[str, object]:
    """Return the ``google.rpc.Status`` in a status, as JSON; an empty mapping if there is none."""
    error = status
    if isinstance(status, str):
        _, brace, rest = status.partition("{")
        try:
            error = orjson.loads(brace + rest)
        except orjson.JSONDecodeError:
            return {}
    if not isinstance(error, Mapping):
        return {}
    inner = error.get("error", error)
    return inner if isinstance(inner, Mapping) else {}
