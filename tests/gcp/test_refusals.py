"""The meaning of HTTP errors, including Google's wordings that the simulator does not use."""

from __future__ import annotations

from typing import Any

import pytest

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from sightline.gcp.refusals import error_of, read_refusal
from sightline.http_client.redaction import one_line

RPC = "type.googleapis.com/google.rpc."


def body(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


def meaning(code: int, answered: object, headers: dict[str, str] | None = None) -> Exception:
    return error_of(read_refusal(code, answered, headers or {}), model="m")


@pytest.mark.parametrize(
    ("code", "status", "message", "reason"),
    [
        (400, "INVALID_ARGUMENT", "Unable to process input image. Please retry or report in x",
         Reason.IMAGE_UNREADABLE),
        (400, "INVALID_ARGUMENT", "Provided image is not valid", Reason.IMAGE_UNREADABLE),
        (400, "INVALID_ARGUMENT", ("The request's total referenced files bytes are too large to be"
         " read"), Reason.IMAGE_TOO_LARGE),
        (400, "INVALID_ARGUMENT", "No such object: gs://b/o.jpg", Reason.IMAGE_GONE),
        (400, "INVALID_ARGUMENT", "Schema is too complex.", Reason.MODEL_REJECTED_REQUEST),
        (403, "PERMISSION_DENIED", "Permission denied while accessing input file. Learn more.",
         Reason.PERMISSION_DENIED),
        (403, "PERMISSION_DENIED", ("x@y.iam.gserviceaccount.com does not have"
         " storage.objects.get access to the Google Cloud Storage object."),
         Reason.PERMISSION_DENIED),
        (403, "PERMISSION_DENIED", "The caller does not have permission",
         Reason.PERMISSION_DENIED),
        (404, "NOT_FOUND", "The file gs://b/o.jpg was not found.", Reason.IMAGE_GONE),
        (404, "NOT_FOUND", "Requested entity was not found.", Reason.MODEL_REJECTED_REQUEST),
        (413, "INVALID_ARGUMENT", "Request payload size exceeds the limit",
         Reason.MODEL_REJECTED_REQUEST),
    ],
)  # fmt: skip
def test_a_refusal_about_one_subject_has_a_reason(
    code: int, status: str, message: str, reason: Reason
) -> None:
    error = meaning(code, body(code, status, message))
    assert isinstance(error, PermanentError)
    assert error.reason is reason


def info(reason: str, **metadata: str) -> dict[str, Any]:
    return {"@type": RPC + "ErrorInfo", "reason": reason, "metadata": metadata}


@pytest.mark.parametrize(
    ("code", "answered"),
    [
        (401, body(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")),
        (403, body(403, "PERMISSION_DENIED", "The API is off.", info("SERVICE_DISABLED"))),
        (403, body(403, "PERMISSION_DENIED", "Vertex AI API has not been used in project 1")),
        (403, body(403, "PERMISSION_DENIED", "This API method requires billing to be enabled.")),
        (403, body(403, "PERMISSION_DENIED", "Denied.", info(
            "IAM_PERMISSION_DENIED", permission="aiplatform.endpoints.predict"))),
        (404, body(404, "NOT_FOUND", "Publisher Model `projects/p/…` was not found or your project"
                   " does not have access to it.")),
        (400, body(400, "FAILED_PRECONDITION", "User location is not supported.")),
        (400, body(400, "INVALID_ARGUMENT", "API key not valid.", info("API_KEY_INVALID"))),
        (404, None),
        (302, None),
    ],
)  # fmt: skip
def test_a_refusal_of_every_call_is_a_configuration_error(code: int, answered: object) -> None:
    assert isinstance(meaning(code, answered), ConfigurationError)


@pytest.mark.parametrize("code", [408, 409, 499, 500, 502, 503, 504, 529])
def test_a_server_error_is_transient_whatever_its_body(code: int) -> None:
    assert isinstance(meaning(code, None), TransientError)
    assert isinstance(meaning(code, [body(code, "X", "x")]), TransientError)


@pytest.mark.parametrize(
    ("headers", "details", "expected"),
    [
        ({}, [], None),
        ({"retry-after": "7"}, [], 7.0),
        ({"Retry-After": "soon"}, [], None),
        ({"Retry-After": "Fri, 20 Nov 2026 10:00:30 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"},
         [], 30.0),
        ({"Retry-After": "Fri, 20 Nov 2026 10:00:30 GMT"}, [], None),
        ({}, [{"@type": RPC + "RetryInfo", "retryDelay": "3.250s"}], 3.25),
        ({}, [{"@type": RPC + "RetryInfo", "retryDelay": "soon"}], None),
        ({"Retry-After": "2"}, [{"@type": RPC + "RetryInfo", "retryDelay": "5s"}], 5.0),
        ({"Retry-After": "999999"}, [], 3600.0),
    ],
)  # fmt: skip
def test_the_retry_delay_is_read_from_the_header_or_the_body(
    headers: dict[str, str], details: list[dict[str, Any]], expected: float | None
) -> None:
    for code in (429, 503):
        error = meaning(code, body(code, "X", "x", *details), headers)
        assert isinstance(error, ThrottledError | TransientError)
        assert error.retry_after_s == expected


@pytest.mark.parametrize(
    "answered", [None, [], [1], {}, {"error": "x"}, {"error": {"details": [1, {"@type": 3}]}}, "x"]
)
def test_a_body_of_any_form_is_read(answered: object) -> None:
    assert isinstance(meaning(429, answered), ThrottledError)
    assert isinstance(meaning(400, answered), ConfigurationError | PermanentError)


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer abc.DEF-123",
        "token ya29.A0Aabc-def_1",
        "https://x/o.jpg?X-Goog-Signature=0a1b2c&X-Goog-Credential=me%2F2026",
        "https://x/o.jpg?GoogleAccessId=me&Signature=0a1b2c",
        "https://x/v1?key=AIzaSyA0123456789012345678901234567890",
        "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl",
    ],
)
def test_a_server_s_message_is_stored_without_secrets(secret: str) -> None:
    text = one_line(f"it said\n{secret}\nand more")
    for part in ("abc.DEF", "A0Aabc", "0a1b2c", "me%2F", "AIzaSy", "c2lnbmF0"):
        assert part not in text
    assert text.startswith("it said")
    assert "\n" not in text


def test_a_server_s_message_is_shortened() -> None:
    assert len(one_line("x" * 10_000)) == 300
