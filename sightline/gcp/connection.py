"""The HTTP connection to Google's models: one session, and what its failures mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from sightline.errors import TransientError
from sightline.gcp.access import Access
from sightline.gcp.image_route import too_large
from sightline.gcp.refusals import error_of, read_refusal

if TYPE_CHECKING:
    import aiohttp

_SENT_AT_ONCE = 1 << 20
"""Bytes above which aiohttp takes a body in pieces, so that other calls go on meanwhile."""
Answered = tuple[int, Mapping[str, str], bytes]


@asynccontextmanager
async def open_session(url: str, *, timeout_s: float) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for one service; every call is bounded by ``timeout_s``.

    How many calls are in flight is the limiter's business, and not bounded here. The environment's
    proxy is looked up once: with ``trust_env`` each call would look for it, and for a ``.netrc``,
    in threads, which costs more processor time than the call.
    """
    import aiohttp

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        proxy=_proxy_of(url),
    ) as session:
        yield session


def _proxy_of(url: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    address = urlsplit(url)
    if proxy_bypass(address.netloc):
        return None
    return getproxies().get(address.scheme)


async def post_json(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    access: Access,
    model: str,
    most_bytes: int | None = None,
) -> Mapping[str, Any]:
    """Return the JSON object that a method answers, in exactly one call.

    Only a call that was not let in (a 401, which nobody pays) is made once more, should there be
    other credentials by then.

    Raises:
        ThrottledError, TransientError, PermanentError, ConfigurationError: see ``refusals``.
        PermanentError: ``image_too_large``; the body has more than ``most_bytes``.
    """
    sent = orjson.dumps(body)
    if most_bytes is not None and len(sent) > most_bytes:
        raise too_large(len(sent), most_bytes)
    headers = await access.headers()
    code, answered, raw = await _post(session, url, sent, headers, model)
    if code == 401 and await access.renew(headers):
        code, answered, raw = await _post(session, url, sent, await access.headers(), model)
    found = _json(raw)
    if code != 200:
        refusal = read_refusal(code, found, answered)
        raise error_of(refusal, model=model, next_step=access.next_step)
    if not isinstance(found, Mapping):
        raise TransientError(f"{model} answered with something that is no JSON; trying again")
    return found


async def _post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], model: str
) -> Answered:
    import aiohttp

    try:
        async with session.post(
            url,
            data=body if len(body) <= _SENT_AT_ONCE else BytesIO(body),
            headers={**headers, "Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:
            return response.status, response.headers, await response.read()
    except TimeoutError:
        raise no_answer(model) from None
    except (aiohttp.ClientError, OSError) as error:
        # Not chained: such an error may carry the request's headers, and with them the token.
        raise broken_off(model, error) from None


def no_answer(model: str) -> TransientError:
    """Return the error of a call that took too long."""
    return TransientError(f"{model} did not answer in time; trying again")


def broken_off(model: str, error: Exception) -> TransientError:
    """Return the error of a connection that failed, was reset, or ended in the middle."""
    kind = type(error).__name__
    return TransientError(f"the connection to {model} failed ({kind}); trying again")


def _json(raw: bytes) -> object:
    try:
        found: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found
