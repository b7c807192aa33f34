"""What Cloud Storage can refuse, in the project's own errors: one line with the next step."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.google_errors import translating
from sightline.http_client.redaction import one_line


def translated(what: str, *, absent: str) -> AbstractContextManager[None]:
    """Raise what a call about ``what`` (a bucket, an image) raises as an error of ours.

    ``absent`` is the next step when it is not there.

    Raises:
        NotFoundError: it is not there.
        ConfigurationError: no permission, no credentials, or a request that can never succeed.
        TransientError: the service is out of reach, overloaded or over its quota for now.
    """
    return translating(what, "Cloud Storage", lambda error: _as_ours(error, what, absent))


def _as_ours(error: Exception, what: str, absent: str) -> SightlineError:
    from google.api_core import exceptions as google

    line = one_line(str(getattr(error, "message", error)))
    if isinstance(error, google.NotFound):
        return NotFoundError(f"{what} is not there; {absent}")
    if isinstance(error, google.Unauthorized):
        return ConfigurationError(f"{what}: {line}; {LOG_IN}")
    if isinstance(error, google.Forbidden):
        return ConfigurationError(
            f"{what}: no permission: {line}; grant roles/storage.objectViewer to read,"
            " roles/storage.objectUser to upload, on the bucket"
        )
    if isinstance(error, google.BadRequest | google.Conflict):
        return ConfigurationError(f"{what} refuses: {line}; correct its name")
    return TransientError(f"{what}: {type(error).__name__}: {line}; try again in a moment")
