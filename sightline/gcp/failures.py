"""The tables that translate the errors of Google's services, each read from the top."""

from __future__ import annotations

import re
from dataclasses import replace

from sightline.errors import ConfigurationError, NotFoundError, ThrottledError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.translation import ErrorMapping, GoogleService, is_transient, message_of
from sightline.http_client.redaction import one_line


def _is_not_aborted(error: Exception, _message: str) -> bool:
    from google.api_core.exceptions import Aborted

    return not isinstance(error, Aborted)


_UNAUTHORIZED = ErrorMapping("Unauthorized", ConfigurationError, "{what}: {message}; " + LOG_IN)


def _not_permitted(next_step: str) -> ErrorMapping:
    line = "{what}: no permission: {message}; " + next_step
    return ErrorMapping("Forbidden", ConfigurationError, line)


# --- Cloud Storage: ``absent`` is the next step if an object or bucket does not exist ----------

STORAGE = GoogleService(
    "Cloud Storage",
    (
        ErrorMapping("NotFound", NotFoundError, "{what} does not exist; {absent}"),
        _UNAUTHORIZED,
        _not_permitted(
            "grant roles/storage.objectViewer to read, roles/storage.objectUser to upload, on the"
            " bucket"
        ),
        ErrorMapping(
            "BadRequest Conflict",
            ConfigurationError,
            "{what} refuses: {message}; correct its name",
        ),
    ),
)

# --- Vertex AI: jobs of batch prediction, and of tuning ----------------------------------------

BATCH = GoogleService(
    "Vertex AI",
    (
        ErrorMapping(
            "NotFound",
            NotFoundError,
            "{what}: {message}; correct the model, gcp.project or vertex.location",
        ),
        _UNAUTHORIZED,
        _not_permitted(
            "grant roles/aiplatform.user on the project, and check that the API is enabled and"
            " billed"
        ),
        ErrorMapping(
            "BadRequest Conflict MethodNotAllowed",
            ConfigurationError,
            "{what} refuses: {message}; correct the model, vertex.location or batch.bucket",
        ),
    ),
)


def _without_url(error: Exception) -> str:
    # Messages of Google's client begin with the method and the URL, which do not help.
    text = re.sub(r"^[A-Z]+ https?://\S+: ", "", str(getattr(error, "message", error)))
    return one_line(text).rstrip(". ")


TUNING = GoogleService(
    "Vertex AI",
    (
        ErrorMapping(
            "NotFound",
            NotFoundError,
            "{what} does not exist ({message}); `sightline tune list` lists the jobs of a"
            " --location",
        ),
        _UNAUTHORIZED,
        _not_permitted(
            "grant roles/aiplatform.user on the project, and check that aiplatform.googleapis.com"
            " is enabled there"
        ),
        ErrorMapping(
            "TooManyRequests",
            ThrottledError,
            "{what}: {message}; wait for a job to end, or request more quota for tuning jobs",
        ),
        ErrorMapping(
            "ClientError",
            ConfigurationError,
            "{what} refuses: {message}; correct --model, --location or the parameters: Google's"
            " documentation of supervised tuning lists the models and their locations",
        ),
    ),
    read_message=_without_url,
)

# --- Pub/Sub -----------------------------------------------------------------------------------

PUBSUB = GoogleService(
    "Pub/Sub",
    (
        ErrorMapping(
            "NotFound", ConfigurationError, "there is no {what}; create it, or correct its name"
        ),
        _UNAUTHORIZED,
        ErrorMapping(
            "PermissionDenied",
            ConfigurationError,
            "no permission to use {what}: {message}; grant roles/pubsub.publisher on the topic,"
            " roles/pubsub.subscriber on the subscriptions",
        ),
        ErrorMapping(
            "BadRequest Conflict MethodNotImplemented",
            ConfigurationError,
            "{what} refuses the request: {message}; compare its settings with yours",
            when=_is_not_aborted,
        ),
    ),
)

PUBSUB_SEEN = replace(
    PUBSUB,
    mappings=(
        ErrorMapping(
            "NotFound",
            TransientError,
            "{what} no longer exists: create it again (`sightline setup`), then publish its"
            " messages again (`sightline enqueue --reconcile RUN`)",
        ),
        *PUBSUB.mappings,
    ),
)
"""The table for topics and subscriptions that existed earlier and may be created again, for example
after an emulator was restarted, which forgets everything."""

# --- BigQuery: its statements, and its Storage Write API ---------------------------------------

_TOO_EXPENSIVE = "bytesBilledLimitExceeded"
_CONFLICTS = "due to concurrent update", "database is locked"
"""Messages for a statement or transaction that lost against a concurrent one: BigQuery's, and the
emulator's."""

_EMULATOR_REFUSES = "jobInternalError"
"""The emulator's reason, with a 500, for every statement that it refuses."""

_EMULATOR_HAS_NO_TABLE = "failed to find stream from"
"""The emulator's message, as an unknown error, if the table does not exist."""


def _reasons(error: Exception) -> set[object]:
    errors = getattr(error, "errors", ())
    return {detail.get("reason") for detail in errors if isinstance(detail, dict)}


def _is_too_expensive(error: Exception, message: str) -> bool:
    return _TOO_EXPENSIVE in _reasons(error) or _TOO_EXPENSIVE in message


def _is_refused(error: Exception, message: str) -> bool:
    """Return whether a statement itself is invalid: no conflict, no timeout, no lost connection."""
    return not is_transient(error) and not any(words in message for words in _CONFLICTS)


_REFUSED = "{what} refuses: {message}; see `sightline doctor`"

BIGQUERY = GoogleService(
    "BigQuery",
    (
        ErrorMapping(
            "GoogleAPICallError",
            ConfigurationError,
            "{what}: a query would read more than is allowed ({message}); narrow the filter, or"
            " raise bigquery.max_gb_billed",
            when=_is_too_expensive,
        ),
        ErrorMapping(
            "NotFound",
            NotFoundError,
            "{what}: {message}; run `sightline setup`, or correct its name",
        ),
        _UNAUTHORIZED,
        replace(
            _not_permitted(
                "grant roles/bigquery.dataEditor on the dataset and roles/bigquery.jobUser on the"
                " project"
            ),
            when=lambda error, _: not _reasons(error) & {"rateLimitExceeded", "quotaExceeded"},
        ),
        ErrorMapping(
            "BadRequest Conflict PreconditionFailed",
            ConfigurationError,
            _REFUSED,
            when=_is_refused,
        ),
        ErrorMapping(
            "GoogleAPICallError",
            ConfigurationError,
            _REFUSED,
            when=lambda error, message: (
                _EMULATOR_REFUSES in message and _is_refused(error, message)
            ),
        ),
    ),
)


def _with_storage_error(error: Exception) -> str:
    """Return the message, with the name of the Storage API's own code, if the error has one."""
    from google.cloud.bigquery_storage_v1.types import StorageError

    message = message_of(error)
    for detail in getattr(error, "details", None) or ():
        if getattr(detail, "type_url", "").endswith(
            "/google.cloud.bigquery.storage.v1.StorageError"
        ):
            return f"{message} ({StorageError.deserialize(detail.value).code.name})"
    return message


_NO_TABLE = "there is no table {what} ({message}); run `sightline setup`"

BIGQUERY_APPEND = GoogleService(
    "BigQuery",
    (
        ErrorMapping("NotFound", ConfigurationError, _NO_TABLE),
        ErrorMapping(
            "Unknown",
            ConfigurationError,
            _NO_TABLE,
            when=lambda _, message: _EMULATOR_HAS_NO_TABLE in message,
        ),
        _UNAUTHORIZED,
        ErrorMapping(
            "PermissionDenied",
            ConfigurationError,
            "no permission to append to {what}: {message}; grant roles/bigquery.dataEditor on the"
            " dataset",
        ),
        ErrorMapping(
            "BadRequest Conflict MethodNotImplemented",
            ConfigurationError,
            "{what} refuses these rows: {message}; run `sightline setup`",
            when=_is_not_aborted,
        ),
    ),
    read_message=_with_storage_error,
)
