"""Translates exceptions of Google's libraries into Sightline's errors, with a table per service.

Each error becomes one line that ends with the next step. Exceptions that match no row become
transient errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.extras import install_command
from sightline.gcp.credentials import LOG_IN
from sightline.http_client.redaction import one_line


@dataclass(frozen=True, slots=True)
class ErrorMapping:
    """Maps some classes of ``google.api_core.exceptions`` to an error.

    ``line`` may contain ``{what}`` (the subject of the call), the service's ``{message}``, and the
    keyword arguments of ``translated``. ``when`` restricts the row by the error and its message.
    """

    kinds: str
    becomes: type[SightlineError]
    line: str
    when: Callable[[Exception, str], bool] = lambda _error, _message: True

    def fits(self, error: Exception, message: str) -> bool:
        """Return whether this row matches an error."""
        from google.api_core import exceptions

        kinds = tuple(getattr(exceptions, name) for name in self.kinds.split())
        return isinstance(error, kinds) and self.when(error, message)


def message_of(error: Exception) -> str:
    """Return the message of an error, on one line."""
    return one_line(str(getattr(error, "message", error)))


@dataclass(frozen=True, slots=True)
class GoogleService:
    """A Google service and its table of errors, of which the first matching row applies.

    ``read_message`` returns the service's own message.
    """

    name: str
    mappings: tuple[ErrorMapping, ...]
    read_message: Callable[[Exception], str] = message_of

    @contextmanager
    def translated(self, what: str, **words: str) -> Iterator[None]:
        """Translate the errors of a call about ``what`` (a table, a topic, a job).

        Raises:
            TransientError: the service cannot be reached, is overloaded, or over its quota.
            ConfigurationError: no credentials, no permission, or a request that cannot succeed.
            SightlineError: an error from the service's own rows, such as ``NotFoundError``.
        """
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        # Errors are not chained, since a failed request contains headers, and so the token.
        try:
            yield
        except GoogleAPICallError as error:
            raise self._translate(error, what, words) from None
        except RetryError as error:
            cause = error.cause
            if isinstance(cause, GoogleAPICallError):
                raise self._translate(cause, what, words) from None
            raise TransientError(f"{what}: no response; try again in a moment") from None
        except (TransportError, RequestException, ConnectionError, TimeoutError) as error:
            kind = type(error).__name__
            raise TransientError(
                f"{what}: {self.name} is out of reach ({kind}); try again"
            ) from None
        except GoogleAuthError as error:
            raise ConfigurationError(f"{what}: {one_line(str(error))}; {LOG_IN}") from None

    def _translate(self, error: Exception, what: str, words: dict[str, str]) -> SightlineError:
        message = self.read_message(error)
        for row in self.mappings:
            if row.fits(error, message):
                return row.becomes(row.line.format(what=what, message=message, **words))
        return TransientError(
            f"{what}: {type(error).__name__}: {message}; try again in a moment",
            retry_after_s=_retry_after_s(error),
        )


def _retry_after_s(error: Exception) -> float | None:
    """Return the delay in ``google.rpc.RetryInfo``, if the error has one."""
    for detail in getattr(error, "details", None) or ():
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None


@contextmanager
def needed_for(what: str, verb: str = "needs") -> Iterator[None]:
    """Translate the error if an import of Google's libraries in the body fails.

    Raises:
        ConfigurationError: a library is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"{what} {verb} Google's library ({error}); run `{install_command('gcp')}`"
        ) from error
