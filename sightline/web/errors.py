"""Errors as responses: one sentence that ends with the next step, and its status."""

from __future__ import annotations

import logging
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from sightline.errors import (
    BusyError,
    ConfigurationError,
    NotFoundError,
    PermanentError,
    SightlineError,
    StorageError,
    ThrottledError,
    TransientError,
)
from sightline.redaction import without_secrets
from sightline.web.shown_text import without_places

logger = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[SightlineError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConfigurationError, HTTPStatus.BAD_REQUEST),
    (BusyError, HTTPStatus.CONFLICT),
    (StorageError, HTTPStatus.INSUFFICIENT_STORAGE),
    (ThrottledError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (PermanentError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class RequestRefusedError(SightlineError):
    """A request that this visitor may not make, or not now."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def error_response(status: int, sentence: str) -> Response:
    """Return the JSON document of an error."""
    shown = without_places(without_secrets(" ".join(sentence.split())))
    return Response(
        orjson.dumps({"error": shown.encode("utf-8", "replace").decode()}),
        status,
        {"cache-control": "no-store"},
        "application/json",
    )


def status_of(error: SightlineError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RequestRefusedError):
        return error.status
    return next(
        (status for kind, status in STATUSES if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of a route become a JSON document."""
    app.add_exception_handler(SightlineError, _sightline_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _unexpected)


def _sightline_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SightlineError)
    return error_response(status_of(error), str(error))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{error.detail} ({request.method}); see /openapi.json"
    response = error_response(error.status_code, sentence)
    response.headers.update(error.headers or {})
    return response


def _malformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"][1:])) or "the body"
    return error_response(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}; see /openapi.json"
    )


def _unexpected(_request: Request, error: Exception) -> Response:
    logger.error("internal error of the page", exc_info=error)
    return error_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"internal error: {type(error).__name__}; report what the terminal of the page shows",
    )
