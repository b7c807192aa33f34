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
            cause = error.cause or error
            if isinstance(cause, GoogleAPICallError):
                raise self._translate(cause, what, words) from None
            raise self._without_response(cause, what) from None
        except (TransportError, RequestException, ConnectionError, TimeoutError) as error:
            raise self._without_response(error, what) from None
        except GoogleAuthError as error:
            raise ConfigurationError(f"{what}: {one_line(str(error))}; {LOG_IN}") from None

    def _translate(self, error: Exception, what: str, words: dict[str, str]) -> SightlineError:
        message = self.read_message(error)
        for row in self.mappings:
            if row.fits(error, message):
                return row.becomes(row.line.format(what=what, message=message, **words))
        if is_timeout(error):
            return TransientError(
                f"{what}: {self.name} did not answer in time ({message}); try again in a moment"
            )
        return TransientError(
            f"{what}: {type(error).__name__}: {message}; try again in a moment",
            retry_after_s=_retry_after_s(error),
        )

    def _without_response(self, error: BaseException, what: str) -> TransientError:
        how = "did not answer in time" if is_timeout(error) else "is out of reach"
        return TransientError(f"{what}: {self.name} {how} ({type(error).__name__}); try again")


_TIMEOUTS = ("i/o timeout", "context deadline exceeded")
_LOST_CONNECTIONS = ("connection reset", "connection aborted", "broken pipe", "unexpected eof")
"""Texts of errors from servers written in Go, such as the emulators, and from Python's sockets."""


def is_timeout(error: BaseException) -> bool:
    """Return whether a call failed because no response came in time."""
    from google.api_core.exceptions import DeadlineExceeded, GatewayTimeout, RetryError
    from requests.exceptions import Timeout

    kinds = (DeadlineExceeded, GatewayTimeout, RetryError, Timeout, TimeoutError)
    return isinstance(error, kinds) or _contains(error, _TIMEOUTS)


def is_transient(error: BaseException) -> bool:
    """Return whether a call failed because of a timeout or a lost connection.

    A refused connection, where no server listens, is neither.
    """
    return is_timeout(error) or _contains(error, _LOST_CONNECTIONS)


def may_have_run(error: BaseException) -> bool:
    """Return whether the service may have executed a call that failed."""
    from requests.exceptions import ConnectTimeout, RequestException

    return isinstance(error, RequestException) and not isinstance(error, ConnectTimeout)


def _contains(error: BaseException, words: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(phrase in text for phrase in words)


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
