"""Sessions without memory: a cookie signed with the secret that it was granted for.

A session ends when its secret does: at the end of the process for a one-time link, or when a token
is removed from the token file.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sightline.web.access.roles import PageRole, Visitor

_COOKIE = re.compile(r"([0-9a-f]{16})\.(\d{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Grant:
    """A secret, and the role that it gives."""

    role: PageRole
    secret: str

    @property
    def id(self) -> str:
        """A public name of the secret: 16 hexadecimal digits."""
        return hashlib.sha256(self.secret.encode()).hexdigest()[:16]

    def signed(self, purpose: str, text: str) -> str:
        """Return the signature of a text for a purpose: 64 hexadecimal digits."""
        message = f"{purpose}\0{text}".encode()
        return hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()


def new_cookie(grant: Grant, now_s: float) -> str:
    """Return the value of a session's cookie."""
    began = f"{grant.id}.{now_s:.0f}"
    return f"{began}.{grant.signed('session', began)}"


def visitor_of_cookie(
    cookie: str, grants: Iterable[Grant], *, now_s: float, lasts_s: float
) -> Visitor | None:
    """Return the visitor with a session's cookie; ``None`` unless it is valid and not too old."""
    match = _COOKIE.fullmatch(cookie)
    if match is None:
        return None
    grant_id, began_s, signature = match.groups()
    for grant in grants:
        signed = grant.signed("session", f"{grant_id}.{began_s}")
        is_theirs = hmac.compare_digest(grant.id, grant_id)
        if hmac.compare_digest(signed, signature) and is_theirs:
            if not 0 <= now_s - int(began_s) + 60 <= lasts_s:
                return None
            return Visitor(grant.role, f"session {signature[:12]}", grant.signed("csrf", cookie))
    return None


def grant_of_token(token: str, grants: Iterable[Grant]) -> Grant | None:
    """Return the grant with this secret; compares in constant time."""
    given = token.encode()
    match = None
    for grant in grants:
        if hmac.compare_digest(grant.secret.encode(), given):
            match = grant
    return match
