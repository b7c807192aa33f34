"""Builds error bodies: ``google.rpc.Status`` as JSON, with Google's messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sightline.sim.vertex.faults import Fault

TYPE = "type.googleapis.com/google.rpc."
AGENT = "service-1234567890@gcp-sa-aiplatform.iam.gserviceaccount.com"
CODES = {
    "INVALID_ARGUMENT": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429, "CANCELLED": 499, "INTERNAL": 500, "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}  # fmt: skip
"""The HTTP code of each canonical status."""


class InvalidArgumentError(Exception):
    """The request violates the API reference; ``field_path`` is the invalid field."""

    def __init__(self, message: str, field_path: str = "") -> None:
        super().__init__(message)
        self.field_path = field_path


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error response."""

    status: str
    message: str
    details: tuple[dict[str, Any], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """The HTTP code."""
        return CODES[self.status]

    def body(self) -> dict[str, Any]:
        """Return the body as JSON values."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "status": self.status,
        }
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def invalid(error: InvalidArgumentError) -> ErrorReply:
    """Return the reply to an invalid request."""
    violation = {"field": error.field_path, "description": str(error)}
    detail = {"@type": TYPE + "BadRequest", "fieldViolations": [violation]}
    return ErrorReply("INVALID_ARGUMENT", str(error), (detail,) if error.field_path else ())


def without_credentials() -> ErrorReply:
    """Return the reply to a call without a bearer token."""
    info = {
        "@type": TYPE + "ErrorInfo",
        "reason": "CREDENTIALS_MISSING",
        "domain": "googleapis.com",
        "metadata": {"service": "aiplatform.googleapis.com"},
    }
    message = (
        "Request is missing required authentication credential. Expected OAuth 2 access token,"
        " login cookie or other valid authentication credential."
    )
    return ErrorReply("UNAUTHENTICATED", message, (info,))


def without_key() -> ErrorReply:
    """Return the Gemini API's reply to a call without a key."""
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). Please"
        " use API Key or other form of API consumer identity to call this API."
    )
    return ErrorReply("PERMISSION_DENIED", message)


def wrong_key() -> ErrorReply:
    """Return the Gemini API's reply to a call with an invalid key."""
    info = {
        "@type": TYPE + "ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    message = "API key not valid. Please pass a valid API key."
    return ErrorReply("INVALID_ARGUMENT", message, (info,))


def no_such_model(resource: str) -> ErrorReply:
    """Return the reply to a call of a model that does not exist, or is closed to the project."""
    if resource.startswith("models/"):
        message = (
            f"{resource} is not found for API version v1beta, or is not supported for"
            " generateContent. Call ListModels to see the list of available models and their"
            " supported methods."
        )
        return ErrorReply("NOT_FOUND", message)
    return ErrorReply(
        "NOT_FOUND",
        f"Publisher Model `{resource}` was not found or your project does not have access to it."
        " Please ensure you are using a valid model version.",
    )


def fault_reply(fault: Fault, *, resource: str, uri: str, retry_delay_s: float) -> ErrorReply:
    """Return the error reply for a fault.

    ``resource`` is the model's full name, ``uri`` the image's.
    """
    match fault:
        case Fault.THROTTLED | Fault.THROTTLED_RETRY_AFTER | Fault.THROTTLED_RETRY_INFO:
            return _throttled(fault, retry_delay_s)
        case Fault.CALLER_FORBIDDEN:
            return _caller_forbidden(resource)
        case Fault.MODEL_CLOSED:
            return no_such_model(resource)
        case _:
            status, message = _MESSAGES[fault]
            return ErrorReply(status, message.format(uri=uri, agent=AGENT))


_MESSAGES: dict[Fault, tuple[str, str]] = {
    Fault.INTERNAL: ("INTERNAL", "Internal error encountered."),
    Fault.UNAVAILABLE: ("UNAVAILABLE", "The service is currently unavailable."),
    Fault.DEADLINE: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    Fault.CANCELLED: ("CANCELLED", "The operation was cancelled."),
    Fault.IMAGE_UNREADABLE: ("INVALID_ARGUMENT", "Provided image is not valid."),
    Fault.IMAGE_TOO_LARGE: (
        "INVALID_ARGUMENT",
        (
            "The file size of `{uri}` is 47688287, which exceeds max allowed file size of 31457280"
            " for `image/jpeg` files. Reduce the file size by lowering the image resolution."
        ),
    ),
    Fault.INVALID_ARGUMENT: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    Fault.UNAUTHENTICATED: (
        "UNAUTHENTICATED",
        (
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login"
            " cookie or other valid authentication credential."
        ),
    ),
    Fault.IMAGE_FORBIDDEN: (
        "PERMISSION_DENIED",
        (
            "{agent} does not have storage.objects.get access to the Google Cloud Storage object."
            " Permission 'storage.objects.get' denied on resource (or it may not exist)."
        ),
    ),
    Fault.IMAGE_GONE: ("NOT_FOUND", "No such object: {uri}"),
}


def _throttled(fault: Fault, retry_delay_s: float) -> ErrorReply:
    message = (
        "Resource exhausted. Please try again later. Please refer to"
        " https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details."
    )
    if fault is Fault.THROTTLED_RETRY_AFTER:
        # Whole seconds, as RFC 9110 (10.2.3) requires, rounded up.
        whole_s = str(int(-(-retry_delay_s // 1)))
        return ErrorReply("RESOURCE_EXHAUSTED", message, headers={"Retry-After": whole_s})
    if fault is Fault.THROTTLED_RETRY_INFO:
        delay = {"@type": TYPE + "RetryInfo", "retryDelay": f"{retry_delay_s:.9g}s"}
        return ErrorReply("RESOURCE_EXHAUSTED", message, (delay,))
    return ErrorReply("RESOURCE_EXHAUSTED", message)


def _caller_forbidden(resource: str) -> ErrorReply:
    permission = "aiplatform.endpoints.predict"
    info = {
        "@type": TYPE + "ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "aiplatform.googleapis.com",
        "metadata": {"permission": permission, "resource": resource},
    }
    message = (
        f"Permission '{permission}' denied on resource '//aiplatform.googleapis.com/{resource}'"
        " (or it may not exist)."
    )
    return ErrorReply("PERMISSION_DENIED", message, (info,))
