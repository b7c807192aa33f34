"""Translates an HTTP error of Google's models into one of Sightline's errors and a reason. Pure.

Bodies are ``google.rpc.Status`` as JSON (https://google.aip.dev/193). Codes alone are ambiguous: a
404 means a missing image or a closed model, a 403 the image's bucket or the caller's own
permissions. If nothing distinguishes them, the reason is one that the worker treats as possibly
systemic, so that a failure of the whole job stops it instead of writing many dead letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    SightlineError,
    ThrottledError,
    TransientError,
)
from sightline.gcp.credentials import LOG_IN
from sightline.http_client.redaction import one_line
from sightline.http_client.retry_after import MOST_RETRY_S, retry_after_s

_CALLER_REASONS = frozenset(
    {"SERVICE_DISABLED", "BILLING_DISABLED", "CONSUMER_INVALID", "CONSUMER_SUSPENDED",
     "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "ACCESS_TOKEN_EXPIRED", "API_KEY_INVALID",
     "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED",
     "USER_PROJECT_DENIED", "ACCOUNT_STATE_INVALID", "SECURITY_POLICY_VIOLATED"}
)  # fmt: skip
_IMAGE = re.compile(
    r"(?i)gs://|storage\.objects|cloud storage|bucket|\bobject\b|input file|\bfile\b"
)
_GONE = re.compile(r"(?i)no such object|not found|does not exist|cannot find|404")
_TOO_LARGE = re.compile(
    r"(?i)too large|exceeds? (the )?(max|limit)|larger than|too many pixels|file bytes|too big"
)
_UNREADABLE = re.compile(
    r"(?i)image is not valid|process input image|(invalid|corrupt|unsupported|undecodable) image"
    r"|(decode|read|parse) (the )?(input )?image|image format|empty (image|file)|mime ?type"
)
_ABOUT_AN_IMAGE = re.compile(r"(?i)image|file|gs://|object")
_MODEL = re.compile(
    r"(?i)publisher model|models?[ /].*(not found|access|support|available|retired)"
    r"|endpoint.*(not found|does not exist)"
)
_CALLER = re.compile(
    r"(?i)aiplatform\.\w+\.|api has not been used|billing|unregistered callers|api.?key"
)
_DENIED = re.compile(r"(?i)permission|denied|forbidden|403|not have access")


@dataclass(frozen=True, slots=True)
class GoogleRefusal:
    """An HTTP error: its code, the status in its body, and the retry delay."""

    code: int
    status: str
    message: str
    reasons: frozenset[str]
    permission: str
    retry_after_s: float | None
    known_form: bool


def read_refusal(code: int, body: object, headers: Mapping[str, str]) -> GoogleRefusal:
    """Return the contents of an error response; empty if its body is no ``google.rpc.Status``."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        error = {}
    raw = error.get("details")
    details = (
        [detail for detail in raw if isinstance(detail, Mapping)] if isinstance(raw, list) else []
    )
    infos = [detail for detail in details if _is(detail, "ErrorInfo")]
    permissions = (_mapping(info.get("metadata")).get("permission") for info in infos)
    waits = [
        retry_after_s(headers),
        *(_delay_s(detail) for detail in details if _is(detail, "RetryInfo")),
    ]
    known = [wait for wait in waits if wait is not None]
    return GoogleRefusal(
        code=code,
        status=str(error.get("status", "")),
        message=one_line(str(error.get("message", ""))),
        reasons=frozenset(str(info.get("reason", "")) for info in infos),
        permission=next((str(permission) for permission in permissions if permission), ""),
        retry_after_s=min(max(known), MOST_RETRY_S) if known else None,
        known_form=bool(error),
    )


def _is(detail: Mapping[str, Any], name: str) -> bool:
    return str(detail.get("@type", "")).endswith(f"google.rpc.{name}")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _delay_s(detail: Mapping[str, Any]) -> float | None:
    """Return the seconds in a JSON ``google.protobuf.Duration``, such as "3.5s"."""
    match = re.fullmatch(r"(\d+(\.\d+)?)s", str(detail.get("retryDelay", "")))
    return float(match[1]) if match else None


def error_of(refusal: GoogleRefusal, *, model: str, next_step: str = LOG_IN) -> SightlineError:
    """Return the error for a refusal.

    Throttled and transient errors carry the retry delay, if the server sent one. ``next_step`` is
    what to do if the caller's credentials are refused.
    """
    if refusal.code == 429 or refusal.status == "RESOURCE_EXHAUSTED":
        return ThrottledError(
            f"{model} is over its quota (429); slowing down", retry_after_s=refusal.retry_after_s
        )
    if refusal.code in {408, 409, 425, 499} or refusal.code >= 500:
        message = refusal.message or "no details"
        return TransientError(
            f"{model} answered {refusal.code} ({message}); trying again",
            retry_after_s=refusal.retry_after_s,
        )
    if not refusal.known_form:
        return ConfigurationError(
            f"{refusal.code} from the endpoint of {model}, in a form that is not Vertex AI's;"
            " check the endpoint, the location and the model's name"
        )
    if (
        refusal.code == 401
        or refusal.reasons & _CALLER_REASONS
        or refusal.status == "FAILED_PRECONDITION"
    ):
        return _unauthorized(refusal, model, next_step)
    return _BY_CODE.get(refusal.code, _rejected)(refusal, model)


def _unauthorized(refusal: GoogleRefusal, model: str, next_step: str) -> ConfigurationError:
    return ConfigurationError(
        f"{model} may not be called ({refusal.code}: {_shortened(refusal.message)}); {next_step},"
        " and check that the API is enabled and billed in the project"
    )


def _shortened(message: str) -> str:
    return message.rstrip(". ") or "no details"


def _bad_request(refusal: GoogleRefusal, model: str) -> SightlineError:
    message = refusal.message
    if _ABOUT_AN_IMAGE.search(message):
        reason = _reason_of_image(message)
        if reason is not None:
            return PermanentError(reason, message)
    return _rejected(refusal, model)


def _reason_of_image(message: str) -> Reason | None:
    if _TOO_LARGE.search(message):
        return Reason.IMAGE_TOO_LARGE
    if _UNREADABLE.search(message):
        return Reason.IMAGE_UNREADABLE
    if _IMAGE.search(message) and _DENIED.search(message):
        return Reason.PERMISSION_DENIED
    if _IMAGE.search(message) and _GONE.search(message):
        return Reason.IMAGE_GONE
    return None


def _forbidden(refusal: GoogleRefusal, model: str) -> SightlineError:
    message = refusal.message
    # Storage comes first, since the name of the service agent, which needs that permission,
    # contains "aiplatform".
    about_storage = refusal.permission.startswith("storage.") or (
        not refusal.permission and _IMAGE.search(message)
    )
    if about_storage:
        hint = "the Vertex AI service agent needs roles/storage.objectViewer"
        return PermanentError(Reason.PERMISSION_DENIED, f"{_shortened(message)}; {hint}")
    if refusal.permission or _CALLER.search(message):
        return ConfigurationError(
            f"{model} may not be called (403: {_shortened(message)}); grant the worker"
            " roles/aiplatform.user, and check that the API is enabled and billed"
        )
    return PermanentError(Reason.PERMISSION_DENIED, _shortened(message))


def _not_found(refusal: GoogleRefusal, model: str) -> SightlineError:
    message = refusal.message
    if _MODEL.search(message) and "gs://" not in message:
        return ConfigurationError(
            f"{model} is not available to this project, or is closed or retired"
            f" ({_shortened(message)}); set another model, or a location that serves it"
        )
    if _IMAGE.search(message):
        return PermanentError(Reason.IMAGE_GONE, message)
    return _rejected(refusal, model)


def _rejected(refusal: GoogleRefusal, model: str) -> SightlineError:
    message = refusal.message or "no details"
    return PermanentError(
        Reason.MODEL_REJECTED_REQUEST, f"{model} answered {refusal.code}: {message}"
    )


_BY_CODE: dict[int, Callable[[GoogleRefusal, str], SightlineError]] = {
    400: _bad_request,
    403: _forbidden,
    404: _not_found,
}
