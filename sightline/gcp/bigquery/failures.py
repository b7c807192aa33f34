"""What BigQuery can refuse, in the project's own errors: one line that ends with the next step."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.google_errors import translating
from sightline.http_client.redaction import one_line

_TOO_DEAR = "bytesBilledLimitExceeded"
_OVER_QUOTA = {"rateLimitExceeded", "quotaExceeded"}
_OUTRUN = "due to concurrent update", "database is locked"
"""In the words of a refused statement or transaction that another one was faster than: BigQuery's,
and the emulator's."""

_EMULATOR_REFUSES = "jobInternalError"
"""The reason that the emulator gives, with a 500, for every statement that it refuses."""


def translated(what: str) -> AbstractContextManager[None]:
    """Raise what a call about ``what`` (a dataset, a table) raises as an error of ours.

    Raises:
        TransientError: the service is out of reach, overloaded or over its quota for now.
        NotFoundError: there is no such project, dataset or table.
        ConfigurationError: no permission, no credentials, a statement that is refused or dearer
            than allowed.
    """
    return translating(what, "BigQuery", lambda error: _as_ours(error, what))


def _as_ours(error: Exception, what: str) -> SightlineError:
    from google.api_core import exceptions as google

    line = one_line(str(getattr(error, "message", error)))
    reasons = {one.get("reason") for one in getattr(error, "errors", ()) if isinstance(one, dict)}
    if _TOO_DEAR in reasons or _TOO_DEAR in line:
        return ConfigurationError(
            f"{what}: a query would read more than is allowed ({line}); narrow the filter, or"
            " raise bigquery.max_gb_billed"
        )
    if isinstance(error, google.NotFound):
        return NotFoundError(f"{what}: {line}; run `sightline setup`, or correct its name")
    if isinstance(error, google.Unauthorized):
        return ConfigurationError(f"{what}: {line}; {LOG_IN}")
    if isinstance(error, google.Forbidden) and not reasons & _OVER_QUOTA:
        return ConfigurationError(
            f"{what}: no permission: {line}; grant roles/bigquery.dataEditor on the dataset"
            " and roles/bigquery.jobUser on the project"
        )
    refused = google.BadRequest, google.Conflict, google.PreconditionFailed
    outrun = any(words in line for words in _OUTRUN)
    if (isinstance(error, refused) or _EMULATOR_REFUSES in line) and not outrun:
        return ConfigurationError(f"{what} refuses: {line}; see `sightline doctor`")
    return TransientError(f"{what}: {type(error).__name__}: {line}; try again in a moment")
