"""One call of one of Google's models over HTTP, and what its failures mean."""

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

Answered = tuple[int, Mapping[str, str], bytes]


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
    content = orjson.dumps(body)
    if most_bytes is not None and len(content) > most_bytes:
        raise too_large(len(content), most_bytes)
    headers = await access.headers()
    code, answered, raw = await _post(session, url, content, headers, model)
    if code == 401 and await access.renew(headers):
        code, answered, raw = await _post(session, url, content, await access.headers(), model)
    answer = decoded(raw)
    if code != 200:
        refusal = read_refusal(code, answer, answered)
        raise error_of(refusal, model=model, next_step=access.next_step)
    if not isinstance(answer, Mapping):
        raise TransientError(f"{model} returned a response that is not JSON; trying again")
    return answer


async def _post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], model: str
) -> Answered:
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
        raise no_answer(model) from None
    except (aiohttp.ClientError, OSError) as error:
        # Not chained: such an error may carry the request's headers, and with them the token.
        raise broken_off(model, error) from None
