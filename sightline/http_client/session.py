"""The HTTP session of one service, and the errors of failed connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sightline.errors import ConfigurationError, TransientError, UnreachableError
from sightline.redaction import shown_endpoint
from sightline.settings import ModelSettings
from sightline.settings.endpoints import is_url

if TYPE_CHECKING:
    import aiohttp

_SENT_AT_ONCE = 1 << 20
CONNECTED_WITHIN_S = 10.0
"""The longest that a connection may take: what does not answer by then is out of reach."""

MOST_RESPONSE_BYTES = ModelSettings().max_response_bytes


@asynccontextmanager
async def open_session(
    url: str, *, timeout_s: float, most_bytes: int = MOST_RESPONSE_BYTES
) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for one service; every call is bounded by ``timeout_s``.

    At most ``most_bytes`` of a response are read: see ``bounded``. The limiter bounds the number of
    calls in flight, not the session. The environment's proxy is looked up once: with ``trust_env``,
    each call would look for it, and for a ``.netrc``, in threads, which costs more processor time
    than the call.
    """
    import aiohttp  # noqa: PLC0415 - takes a fifth of a second, which not every command needs

    from sightline.http_client.bounded import (  # noqa: PLC0415 - the same
        ACCEPTED_ENCODINGS,
        bounded_response_class,
    )

    async with aiohttp.ClientSession(
        response_class=bounded_response_class(most_bytes),
        auto_decompress=False,
        headers={"Accept-Encoding": ACCEPTED_ENCODINGS},
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
        timeout=aiohttp.ClientTimeout(
            total=timeout_s, sock_connect=min(timeout_s, CONNECTED_WITHIN_S)
        ),
        proxy=_proxy_of(url),
    ) as session:
        yield session


def _proxy_of(url: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - the same

    address = urlsplit(url)
    if proxy_bypass(address.netloc.rpartition("@")[2]):
        return None
    proxy = getproxies().get(address.scheme)
    if proxy is not None and not is_url(proxy):
        raise ConfigurationError(
            f"the proxy {shown_endpoint(proxy)!r} cannot be used; set {address.scheme}_proxy to a"
            " URL such as http://127.0.0.1:3128, or unset it"
        )
    return proxy


def sendable(body: bytes) -> bytes | BytesIO:
    """Return a body for aiohttp, which sends a large one in pieces."""
    return body if len(body) <= _SENT_AT_ONCE else BytesIO(body)


def no_answer(model: str, url: str) -> UnreachableError:
    """Return the error of a call that timed out."""
    return UnreachableError(f"{model} did not answer in time; trying again", host=host_of(url))


def broken_off(model: str, error: Exception, url: str) -> TransientError:
    """Return the error of a connection that failed, was reset, or ended early."""
    import aiohttp  # noqa: PLC0415 - start-up

    message = f"the connection to {model} failed ({type(error).__name__}); trying again"
    if isinstance(error, aiohttp.ClientConnectorError):
        return UnreachableError(message, host=host_of(url))
    return TransientError(message)


def host_of(url: str) -> str:
    """Return the host of a URL, with the port if it has one: nothing in it is secret."""
    address = urlsplit(url)
    port = f":{address.port}" if address.port else ""
    return f"{address.hostname or ''}{port}"


async def check_reached(url: str, *, timeout_s: float = CONNECTED_WITHIN_S) -> str:
    """Open a connection to a service, and return its host once it answers, whatever it says.

    Nothing is asked, and no key is sent.

    Raises:
        UnreachableError: there is no connection, or no answer in time.
    """
    import aiohttp  # noqa: PLC0415 - start-up

    host = host_of(url)
    try:
        async with (
            open_session(url, timeout_s=timeout_s) as session,
            session.get(url, allow_redirects=False),
        ):
            return host
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        what = f"{host} is out of reach ({type(error).__name__})"
        raise UnreachableError(f"{what}; start it, or correct its address", host=host) from None
