"""As whom a model is called: by an access token, or by a key. Neither is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sightline.gcp.credentials import LOG_IN, TokenSource
from sightline.redaction import SECRETS

KEY_HEADER = "x-goog-api-key"


class Access(Protocol):
    """What a request carries to be let in."""

    @property
    def next_step(self) -> str:
        """What a person does when it is not let in."""
        ...

    async def headers(self) -> Mapping[str, str]:
        """Return the headers that let a request in now.

        Raises:
            ConfigurationError: there are no credentials.
            TransientError: the token service is out of reach for now.
        """
        ...

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Return whether other headers than these, which were refused, may be let in."""
        ...


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """Access by the tokens of Google credentials."""

    tokens: TokenSource = field(repr=False)
    next_step: str = LOG_IN

    async def headers(self) -> Mapping[str, str]:
        """Return the header with a token that is valid now; raises as ``Access.headers`` does."""
        token = await self.tokens.token()
        SECRETS.register_token(token)
        return {"Authorization": f"Bearer {token}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Take a new token in the place of one that was revoked before its time."""
        return await self.tokens.renew(refused["Authorization"].removeprefix("Bearer "))


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """Access by an API key, in a header: a URL would be logged on its way."""

    key: str = field(repr=False)
    next_step: str = "set a valid key in the variable that gemini.api_key_env names"

    def __post_init__(self) -> None:
        """Register the key, so that no service's answer can show it."""
        SECRETS.register(self.key)

    async def headers(self) -> Mapping[str, str]:
        """Return the header with the key."""
        return {KEY_HEADER: self.key}

    async def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        """Return false: there is one key."""
        return False
