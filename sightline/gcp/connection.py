"""Calls a Google model over HTTP, and translates its failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from sightline.errors import TransientError
from sightline.gcp.access import Access
from sightline.gcp.image_route import too_large
from sightline.gcp.refusals import error_of, read_refusal
from sightline.http_client.outcomes import decoded
from sightline.http_client.session import broken_off, no_answer, sendable

if TYPE_CHECKING:
    import aiohttp

RawResponse = tuple[int, Mapping[str, str], bytes]
"""The status code, the headers and the body of a response."""


async def post_json(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    *,
    access: Access,
    model: str,
    most_bytes: int | None = None,
) -> Mapping[str, Any]:
    """Call a method exactly once, and return the JSON object in its response.

    Only a call whose credentials were refused (a 401, which costs nothing) is repeated once, if
    there are new credentials.

    Raises:
        ThrottledError, TransientError, PermanentError, ConfigurationError: see ``refusals``.
        PermanentError: ``image_too_large``; the body has more than ``most_bytes``.
    """
    content = orjson.dumps(body)
    if most_bytes is not None and len(content) > most_bytes:
        raise too_large(len(content), most_bytes)
    headers = await access.headers()
    code, response_headers, raw = await _post(session, url, content, headers, model)
    if code == 401 and await access.renew(headers):
        headers = await access.headers()
        code, response_headers, raw = await _post(session, url, content, headers, model)
    response = decoded(raw)
    if code != 200:
        refusal = read_refusal(code, response, response_headers)
        raise error_of(refusal, model=model, next_step=access.next_step)
    if not isinstance(response, Mapping):
        raise TransientError(f"{model} returned a response that is not JSON; trying again")
    return response


async def _post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], model: str
) -> RawResponse:
    import aiohttp

    try:
        async with session.post(
            url,
            data=sendable(body),
            headers={**headers, "Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:
            return response.status, response.headers, await response.read()
    except TimeoutError:
        raise no_answer(model, url) from None
    except (aiohttp.ClientError, OSError) as error:
        # Not chained, since such an error may contain the request's headers, and so the token.
        raise broken_off(model, error, url) from None
