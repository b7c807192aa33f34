"""What Vertex AI can refuse about a job, as our own errors: one line that ends with what to do."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.google_errors import translating
from sightline.http_client.redaction import one_line


def translated(what: str) -> AbstractContextManager[None]:
    """Raise what a call about ``what`` raises as an error of ours.

    Raises:
        NotFoundError: there is no such job, model or project.
        ConfigurationError: no permission, no credentials, or a request that can never succeed.
        TransientError: the service is out of reach, overloaded or over its quota for now.
    """
    return translating(what, "Vertex AI", lambda error: _as_ours(error, what))


def _as_ours(error: Exception, what: str) -> SightlineError:
    from google.api_core import exceptions as google

    line = one_line(str(getattr(error, "message", error)))
    if isinstance(error, google.NotFound):
        return NotFoundError(f"{what}: {line}; correct the model, gcp.project or vertex.location")
    if isinstance(error, google.Unauthorized):
        return ConfigurationError(f"{what}: {line}; {LOG_IN}")
    if isinstance(error, google.Forbidden):
        return ConfigurationError(
            f"{what}: no permission: {line}; grant roles/aiplatform.user on the project, and see"
            " that the API is enabled and billed"
        )
    if isinstance(error, google.BadRequest | google.Conflict | google.MethodNotAllowed):
        return ConfigurationError(
            f"{what} refuses: {line}; correct the model, vertex.location or batch.bucket"
        )
    return TransientError(f"{what}: {type(error).__name__}: {line}; try again in a moment")
