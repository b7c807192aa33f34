"""Translates what Google's libraries raise into errors of ours, by a table for each service.

Each error becomes one line that ends with the next step. What no row fits may pass by itself.
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
    """What errors of some classes of ``google.api_core.exceptions`` are.

    ``line`` may have ``{what}`` the call was about, the service's ``{message}``, and the words that
    are given to ``translated``. ``when`` narrows the row, by the error and its message.
    """

    kinds: str
    becomes: type[SightlineError]
    line: str
    when: Callable[[Exception, str], bool] = lambda _error, _message: True

    def fits(self, error: Exception, message: str) -> bool:
        """Return whether this row is about an error."""
        from google.api_core import exceptions

        kinds = tuple(getattr(exceptions, name) for name in self.kinds.split())
        return isinstance(error, kinds) and self.when(error, message)


def message_of(error: Exception) -> str:
    """Return what an error says, on one line."""
    return one_line(str(getattr(error, "message", error)))


@dataclass(frozen=True, slots=True)
class GoogleService:
    """A service of Google's, and what it refuses: the first row that fits an error says it.

    ``says`` returns the service's own words.
    """

    name: str
    mappings: tuple[ErrorMapping, ...]
    says: Callable[[Exception], str] = message_of

    @contextmanager
    def translated(self, what: str, **words: str) -> Iterator[None]:
        """Raise what a call about ``what`` (a table, a topic, a job) raises as an error of ours.

        Raises:
            TransientError: the service is out of reach, overloaded or over its quota for now.
            ConfigurationError: no credentials, no permission, or a request that cannot succeed.
            SightlineError: what the service's own rows say, such as ``NotFoundError``.
        """
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        # Nothing is chained to a failed request: it carries headers, and with them the token.
        try:
            yield
        except GoogleAPICallError as error:
            raise self._as_ours(error, what, words) from None
        except RetryError as error:
            cause = error.cause
            if isinstance(cause, GoogleAPICallError):
                raise self._as_ours(cause, what, words) from None
            raise TransientError(f"{what}: no answer; try again in a moment") from None
        except (TransportError, RequestException, ConnectionError, TimeoutError) as error:
            kind = type(error).__name__
            raise TransientError(
                f"{what}: {self.name} is out of reach ({kind}); try again"
            ) from None
        except GoogleAuthError as error:
            raise ConfigurationError(f"{what}: {one_line(str(error))}; {LOG_IN}") from None

    def _as_ours(self, error: Exception, what: str, words: dict[str, str]) -> SightlineError:
        message = self.says(error)
        for row in self.mappings:
            if row.fits(error, message):
                return row.becomes(row.line.format(what=what, message=message, **words))
        return TransientError(
            f"{what}: {type(error).__name__}: {message}; try again in a moment",
            retry_after_s=_retry_after_s(error),
        )


def _retry_after_s(error: Exception) -> float | None:
    """Return what ``google.rpc.RetryInfo`` asks for, if it is there."""
    for detail in getattr(error, "details", None) or ():
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None


@contextmanager
def needed_for(what: str, verb: str = "needs") -> Iterator[None]:
    """Import Google's libraries inside.

    Raises:
        ConfigurationError: they are not installed.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"{what} {verb} Google's library ({error}); run `{install_command('gcp')}`"
        ) from error
