"""Decides who sends a request: by a session's cookie, a token, or a proxy's signed header."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sightline.web.access.roles import PageRole, Visitor
from sightline.web.access.sessions import Grant, grant_of_token, new_cookie, visitor_of_cookie

WEEK_S = 7 * 86_400.0

ProxyHeader = Callable[[Mapping[str, str]], Visitor | None]
"""Returns the visitor that a proxy's verified header names, ``None`` without a valid one."""


class OneTimeLink:
    """A token that opens one session; the next one replaces it."""

    def __init__(self, new_token: Callable[[], str], on_new: Callable[[str], None]) -> None:
        """``on_new`` is called with each token but the first."""
        self._new_token = new_token
        self._on_new = on_new
        self.token = new_token()

    def takes(self, token: str) -> bool:
        """Return whether it is the token, which then is used up."""
        if not secrets.compare_digest(self.token.encode(), token.encode()):
            return False
        self.token = self._new_token()
        self._on_new(self.token)
        return True


@dataclass(frozen=True, kw_only=True)
class Door:
    """The ways in.

    ``process`` is a grant that ends with the process; sessions of one-time links belong to it.
    """

    process: Grant
    link: OneTimeLink | None = None
    tokens: Callable[[], Sequence[Grant]] = tuple
    proxy: ProxyHeader | None = None
    most: PageRole = PageRole.OWNER
    now_s: Callable[[], float]
    cookie: str = "sightline-session"

    def visitor(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Visitor | None:
        """Return the sender of a request with these headers and cookies."""
        visitor = self._visitor(headers, cookies)
        return visitor and replace(visitor, role=min(visitor.role, self.most))

    def _visitor(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Visitor | None:
        if self.proxy is not None and (named := self.proxy(headers)) is not None:
            return named
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            grant = grant_of_token(token.strip(), self.tokens())
            if grant is None:
                return None
            return Visitor(grant.role, f"token {grant.id}", "", is_script=True)
        grants = (self.process, *self.tokens())
        return visitor_of_cookie(
            cookies.get(self.cookie, ""), grants, now_s=self.now_s(), lasts_s=WEEK_S
        )

    def session_for(self, token: str) -> str | None:
        """Return the cookie of a new session; ``None`` if the token opens none."""
        if self.link is not None and self.link.takes(token):
            return new_cookie(self.process, self.now_s())
        grant = grant_of_token(token, self.tokens())
        return None if grant is None else new_cookie(grant, self.now_s())
