"""What the tuning service can refuse, in the project's own errors: one line with the next step."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager

from sightline.errors import (
    ConfigurationError,
    NotFoundError,
    SightlineError,
    ThrottledError,
    TransientError,
)
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.google_errors import translating
from sightline.http_client.redaction import one_line


def translated(what: str) -> AbstractContextManager[None]:
    """Raise what a call about ``what`` (a job, a location) raises as an error of ours.

    Raises:
        NotFoundError: it is not there.
        ConfigurationError: no permission, no credentials, or a request that can never succeed.
        ThrottledError: too many jobs, or calls, for now.
        TransientError: the service is out of reach or unwell for now.
    """
    return translating(what, "Vertex AI", lambda error: _as_ours(error, what))


def _as_ours(error: Exception, what: str) -> SightlineError:
    from google.api_core import exceptions as google

    # Google's client begins with the method and the URL, which say nothing that helps.
    said = re.sub(r"^[A-Z]+ https?://\S+: ", "", str(getattr(error, "message", error)))
    said = one_line(said).rstrip(". ")
    if isinstance(error, google.NotFound):
        return NotFoundError(
            f"{what} is not there ({said}); `sightline tune list` shows the jobs of a --location"
        )
    if isinstance(error, google.Unauthorized):
        return ConfigurationError(f"{what}: {said}; {LOG_IN}")
    if isinstance(error, google.Forbidden):
        return ConfigurationError(
            f"{what}: no permission: {said}; grant roles/aiplatform.user on the project, and see"
            " that aiplatform.googleapis.com is enabled there"
        )
    if isinstance(error, google.TooManyRequests):
        return ThrottledError(
            f"{what}: {said}; wait for a job to end, or ask for more quota of tuning jobs"
        )
    if isinstance(error, google.ClientError):
        return ConfigurationError(
            f"{what} refuses: {said}; correct --model, --location or the parameters: which models"
            " can be tuned where is in Google's documentation of supervised tuning"
        )
    return TransientError(f"{what}: {type(error).__name__}: {said}; try again in a moment")
