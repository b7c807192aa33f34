"""What Google's libraries raise on the way to a service, as errors of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.http_client.redaction import one_line


@contextmanager
def translating(
    what: str, service: str, as_ours: Callable[[Exception], SightlineError]
) -> Iterator[None]:
    """Raise what a call about ``what`` raises as an error of ours.

    ``as_ours`` says what a refusal of the service means.

    Raises:
        ConfigurationError: no credentials; and whatever a refusal means.
        TransientError: the service is out of reach, or does not answer.
    """
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests.exceptions import RequestException

    # Nothing is chained to a failed request: it carries headers, and with them the token.
    try:
        yield
    except GoogleAPICallError as error:
        raise as_ours(error) from None
    except RetryError as error:
        cause = error.cause
        ours = as_ours(cause) if isinstance(cause, GoogleAPICallError) else None
        raise ours or TransientError(f"{what}: no answer; try again in a moment") from None
    except (TransportError, RequestException, ConnectionError, TimeoutError) as error:
        kind = type(error).__name__
        raise TransientError(f"{what}: {service} is out of reach ({kind}); try again") from None
    except GoogleAuthError as error:
        raise ConfigurationError(f"{what}: {one_line(str(error))}; {LOG_IN}") from None
