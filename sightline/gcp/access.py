"""Credentials of model calls: an access token or an API key. Neither is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sightline.gcp.credentials import LOG_IN, TokenSource
from sightline.redaction import SECRETS

KEY_HEADER = "x-goog-api-key"


class Access(Protocol):
    """The credentials of requests."""

    @property
    def next_step(self) -> str:
        """What a person should do if the credentials are refused."""
        ...

    async def headers(self) -> Mapping[str, str]:
        """Return the headers that authenticate a request now.

        Raises:
            ConfigurationError: there are no credentials.
            TransientError: the token service cannot be reached.
        """
        ...

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Renew credentials whose headers were refused; return whether there are new ones."""
        ...


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """Authenticates with the tokens of Google credentials."""

    tokens: TokenSource = field(repr=False)
    next_step: str = LOG_IN

    async def headers(self) -> Mapping[str, str]:
        """Return the header with a valid token; raises as ``Access.headers`` does."""
        token = await self.tokens.token()
        SECRETS.register_token(token)
        return {"Authorization": f"Bearer {token}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Replace a token that was revoked before it expired."""
        return await self.tokens.renew(refused["Authorization"].removeprefix("Bearer "))


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """Authenticates with an API key in a header, since servers may log URLs."""

    key: str = field(repr=False)
    next_step: str = "set a valid key in the variable that gemini.api_key_env names"

    def __post_init__(self) -> None:
        """Register the key, so that it is hidden if a service's response contains it."""
        SECRETS.register(self.key)

    async def headers(self) -> Mapping[str, str]:
        """Return the header with the key."""
        return {KEY_HEADER: self.key}

    async def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        """Return false: there is only one key."""
        return False
