"""The HTTP connection to Vertex AI: one session, and what its failures mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson

from sightline.errors import TransientError
from sightline.gcp.credentials import TokenSource
from sightline.gcp.refusals import error_of, read_refusal

if TYPE_CHECKING:
    import aiohttp


@asynccontextmanager
async def open_session(timeout_s: float) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session that bounds every call by ``timeout_s``; calls in flight are not bounded.

    How many calls are in flight is the limiter's business.
    """
    import aiohttp

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        trust_env=True,
    ) as session:
        yield session


async def post_json(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    tokens: TokenSource,
    model: str,
) -> Mapping[str, Any]:
    """Return the JSON object that a method answers, in exactly one call.

    Raises:
        ThrottledError, TransientError, PermanentError, ConfigurationError: see ``refusals``.
    """
    import aiohttp

    headers = {
        "Authorization": f"Bearer {await tokens.token()}",
        "Content-Type": "application/json",
    }
    try:
        async with session.post(
            url, data=orjson.dumps(body), headers=headers, allow_redirects=False
        ) as response:
            code, answered = response.status, dict(response.headers)
            raw = await response.read()
    except TimeoutError:
        raise no_answer(model) from None
    except (aiohttp.ClientError, OSError) as error:
        # Not chained: such an error may carry the request's headers, and with them the token.
        raise broken_off(model, error) from None
    found = _json(raw)
    if code != 200:
        raise error_of(read_refusal(code, found, answered), model=model)
    if not isinstance(found, Mapping):
        raise TransientError(f"{model} answered with something that is no JSON; trying again")
    return found


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
