"""The signed header of Google's Identity-Aware Proxy: who sent a request, as the proxy knows it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from google.auth import exceptions, jwt

from sightline.web.access.roles import PageRole, Visitor
from sightline.web.access.sessions import Grant

HEADER = "x-goog-iap-jwt-assertion"
ISSUERS = frozenset({"https://cloud.google.com/iap"})
KEYS_LAST_S = 3600.0
ASKED_AGAIN_S = 60.0
"""How soon the keys are read again for a key that is not among them."""
CLOCK_SKEW_S = 30
logger = logging.getLogger(__name__)

Keys = Mapping[str, str]
"""Public keys (PEM) by their ids."""


class IapHeader:
    """Verifies the header (ES256): signature, times, audience and issuer."""

    def __init__(
        self,
        audience: str,
        read_keys: Callable[[], Keys],
        role_of: Callable[[str], PageRole],
        process: Grant,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``role_of`` returns the role of a person's address; ``process`` signs CSRF tokens."""
        self._audience = audience
        self._read_keys = read_keys
        self._role_of = role_of
        self._process = process
        self._now_s = now_s
        self._lock = Lock()
        self._keys: Keys = {}
        self._read_s: float | None = None

    def __call__(self, headers: Mapping[str, str]) -> Visitor | None:
        """Return the visitor that the header names; ``None`` unless it is valid."""
        token = headers.get(HEADER)
        if not token:
            return None
        try:
            claims = self._verified(token)
        except (exceptions.GoogleAuthError, ValueError, TypeError, KeyError) as error:
            logger.warning("a signed header was refused: %s", type(error).__name__)
            return None
        address = claims.get("email")
        if claims.get("iss") not in ISSUERS or not isinstance(address, str) or not address:
            return None
        address = address.removeprefix("accounts.google.com:")
        return Visitor(self._role_of(address), address, self._process.signed("csrf", address))

    def _verified(self, token: str) -> Mapping[str, Any]:
        header = jwt.decode_header(token)  # type: ignore[no-untyped-call]  # untyped there
        if header.get("alg") != "ES256":
            raise ValueError("another algorithm")
        claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]  # untyped there
            token,
            certs=self._keys_with(str(header.get("kid"))),
            audience=self._audience,
            clock_skew_in_seconds=CLOCK_SKEW_S,
        )
        return claims

    def _keys_with(self, key_id: str) -> Keys:
        with self._lock:
            age = float("inf") if self._read_s is None else self._now_s() - self._read_s
            if age > KEYS_LAST_S or (key_id not in self._keys and age > ASKED_AGAIN_S):
                self._keys, self._read_s = self._read_keys(), self._now_s()
            return self._keys


def roles_by_address(
    owners: tuple[str, ...], reviewers: tuple[str, ...]
) -> Callable[[str], PageRole]:
    """Return the function that gives an address its role; ``@example.org`` is a whole domain."""

    def role_of(address: str) -> PageRole:
        lower = address.lower()
        for role, members in ((PageRole.OWNER, owners), (PageRole.REVIEWER, reviewers)):
            for member in map(str.lower, members):
                if lower == member or (member.startswith("@") and lower.endswith(member)):
                    return role
        return PageRole.VIEWER

    return role_of
