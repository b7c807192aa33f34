"""What Cloud Storage can refuse, in the project's own errors: one line with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.web.redaction import one_line


@contextmanager
def translated(what: str, *, absent: str) -> Iterator[None]:
    """Raise what a call about ``what`` (a bucket, an image) raises as an error of ours.

    ``absent`` is the next step when it is not there.

    Raises:
        NotFoundError: it is not there.
        ConfigurationError: no permission, no credentials, or a request that can never succeed.
        TransientError: the service is out of reach, overloaded or over its quota for now.
    """
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests.exceptions import RequestException

    # Nothing is chained to a failed request: it carries headers, and with them the token.
    try:
        yield
    except GoogleAPICallError as error:
        raise _as_ours(error, what, absent) from None
    except RetryError as error:
        cause = error.cause
        ours = _as_ours(cause, what, absent) if isinstance(cause, GoogleAPICallError) else None
        raise ours or TransientError(f"{what}: no answer; try again in a moment") from None
    except (TransportError, RequestException, ConnectionError, TimeoutError) as error:
        kind = type(error).__name__
        raise TransientError(f"{what}: Cloud Storage is out of reach ({kind}); try again") from None
    except GoogleAuthError as error:
        raise ConfigurationError(f"{what}: {one_line(str(error))}; {LOG_IN}") from None


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
