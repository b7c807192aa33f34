"""Access tokens: google-auth credentials, refreshed off the event loop, once for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol, Self

from sightline.errors import ConfigurationError, TransientError
from sightline.redaction import SECRETS

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOG_IN = "run `gcloud auth application-default login`, or attach a service account"


class TokenSource(Protocol):
    """Where access tokens come from."""

    async def token(self) -> str:
        """Return a token that is valid now.

        Raises:
            ConfigurationError: there is none to be had.
            TransientError: the token service is out of reach for now.
        """
        ...

    async def renew(self, rejected: str) -> bool:
        """Return whether there is now another token than this one, which a service rejected.

        Raises:
            TransientError: the token service is out of reach for now.
        """
        ...


class GoogleTokens:
    """Tokens of google-auth credentials; ``credentials`` may be handed to Google's libraries."""

    def __init__(self, credentials: Any) -> None:
        self.credentials = credentials
        self._refreshing = asyncio.Lock()

    @classmethod
    def default(cls, *, impersonate: str = "") -> Self:
        """Return the application default credentials' tokens (blocks for a moment).

        With ``impersonate``, tokens of that service account, which these credentials may ask for
        by ``roles/iam.serviceAccountTokenCreator`` on it.

        Raises:
            ConfigurationError: there are no such credentials.
        """
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError

        try:
            credentials, _ = google.auth.default(scopes=[SCOPE])
        except DefaultCredentialsError as error:
            raise ConfigurationError(f"no Google credentials were found; {LOG_IN}") from error
        credentials = _acting_as(impersonate, credentials) if impersonate else credentials
        # Google's libraries renew tokens too: whatever is valid when a text is shown is hidden.
        SECRETS.register_tokens_of(lambda: secrets_of(credentials))
        return cls(credentials)

    @classmethod
    def fixed(cls, token: str) -> Self:
        """Return one token that never expires, for simulators."""
        from google.oauth2.credentials import Credentials

        return cls(Credentials(token))  # type: ignore[no-untyped-call]  # untyped in google-auth

    async def token(self) -> str:
        """Return a token that is valid now; raises as ``TokenSource.token`` does."""
        if not self.credentials.valid:
            async with self._refreshing:
                if not self.credentials.valid:
                    await self._refresh()
        return str(self.credentials.token)

    async def renew(self, rejected: str) -> bool:
        """Refresh a token that was rejected before its time, once for all whom it let down.

        Raises:
            TransientError: the token service is out of reach for now.
        """
        async with self._refreshing:
            if str(self.credentials.token) == rejected:
                try:
                    await self._refresh()
                except ConfigurationError:
                    return False  # what the service said about the token says more
            return str(self.credentials.token) != rejected

    async def _refresh(self) -> None:
        from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
        from google.auth.transport.requests import Request

        # What google-auth says may quote the token service's answer: only its kind is repeated.
        try:
            await asyncio.to_thread(self.credentials.refresh, Request())
        except TransportError as error:
            raise TransientError("the token service is out of reach; trying again") from error
        except GoogleAuthError as error:
            if isinstance(error, RefreshError) and error.retryable:
                raise TransientError("the token service reports an error; trying again") from error
            raise ConfigurationError(
                f"the Google credentials are refused ({type(error).__name__}); {LOG_IN}"
            ) from None


_SECRETS = ("token", "refresh_token", "client_secret", "id_token", "_subject_token")


def secrets_of(credentials: Any) -> Iterator[str]:
    """Yield what google-auth's credentials hold now that nobody may see, and their sources'."""
    seen: set[int] = set()
    while credentials is not None and id(credentials) not in seen:
        seen.add(id(credentials))
        for name in _SECRETS:
            value = getattr(credentials, name, None)
            if isinstance(value, str):
                yield value
        credentials = getattr(credentials, "_source_credentials", None)


def _acting_as(account: str, credentials: Any) -> Any:
    from google.auth import impersonated_credentials

    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]  # untyped there
        source_credentials=credentials, target_principal=account, target_scopes=[SCOPE]
    )
