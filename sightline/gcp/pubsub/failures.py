"""What Pub/Sub can refuse, in the project's own errors: one line that ends with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.redaction import without_secrets


@contextmanager
def translated(name: str, *, was_there: bool = False) -> Iterator[None]:
    """Raise what a call about ``name`` (a topic, a subscription) raises as an error of ours.

    What was there a moment ago and is not any more may come back: an emulator that is restarted
    forgets everything, and somebody makes it again.

    Raises:
        TransientError: the service is out of reach, overloaded or over its quota for now; or what
            was there is gone.
        ConfigurationError: there is no such topic or subscription, no permission to use it, no
            credentials, or the request is one that can never succeed.
    """
    from google.api_core.exceptions import GoogleAPICallError, NotFound  # 0.3 s
    from google.auth.exceptions import GoogleAuthError, TransportError

    try:
        yield
    except GoogleAPICallError as error:
        if was_there and isinstance(error, NotFound):
            raise TransientError(
                f"{name} was there and is gone: make it again (`sightline setup`), then publish"
                " what it held (`sightline enqueue --reconcile RUN`)"
            ) from error
        raise _as_ours(error, name) from error
    except TransportError as error:
        raise TransientError(f"{name}: {_line(error)}; try again in a moment") from error
    except GoogleAuthError as error:
        raise ConfigurationError(f"{name}: {_line(error)}; {LOG_IN}") from error


def _as_ours(error: Exception, name: str) -> SightlineError:
    from google.api_core import exceptions as google

    match error:
        case google.NotFound():
            return ConfigurationError(f"there is no {name}; make it, or correct its name")
        case google.Unauthenticated():
            return ConfigurationError(f"{name}: {_line(error)}; {LOG_IN}")
        case google.PermissionDenied():
            return ConfigurationError(
                f"no permission to use {name}: {_line(error)}; grant roles/pubsub.publisher on"
                " the topic, roles/pubsub.subscriber on the subscriptions"
            )
        case google.BadRequest() | google.Conflict() | google.MethodNotImplemented() if not (
            isinstance(error, google.Aborted)
        ):
            return ConfigurationError(
                f"{name} refuses the request: {_line(error)}; compare its settings with yours"
            )
        case _:
            return TransientError(
                f"{name}: {type(error).__name__}: {_line(error)}; try again in a moment",
                retry_after_s=_retry_after_s(error),
            )


def _line(error: Exception) -> str:
    """Return the error's message on one line, without secrets."""
    return " ".join(without_secrets(str(getattr(error, "message", error))).split())


def _retry_after_s(error: Exception) -> float | None:
    """Return what ``google.rpc.RetryInfo`` asks for, if it is there."""
    for detail in getattr(error, "details", None) or ():
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None
