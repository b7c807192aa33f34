"""Access tokens from google-auth credentials, refreshed in a thread, once for all callers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol, Self

from sightline.errors import ConfigurationError, TransientError
from sightline.redaction import SECRETS

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOG_IN = "run `gcloud auth application-default login`, or attach a service account"


class TokenSource(Protocol):
    """Provides access tokens."""

    async def token(self) -> str:
        """Return a valid token.

        Raises:
            ConfigurationError: no token can be obtained.
            TransientError: the token service cannot be reached.
        """
        ...

    async def renew(self, rejected: str) -> bool:
        """Replace a token that a service rejected; return whether there is a different one now.

        Raises:
            TransientError: the token service cannot be reached.
        """
        ...


class GoogleTokens:
    """Tokens of google-auth credentials; ``credentials`` may be passed to Google's libraries."""

    def __init__(self, credentials: Any) -> None:
        self.credentials = credentials
        self._refreshing = asyncio.Lock()

    @classmethod
    def default(cls, *, impersonate: str = "") -> Self:
        """Return tokens of the application default credentials (blocks briefly).

        With ``impersonate``, returns tokens of that service account, for which these credentials
        need ``roles/iam.serviceAccountTokenCreator``.

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
        # Google's libraries also renew tokens, so the tokens valid when a text is shown are hidden.
        SECRETS.register_tokens_of(lambda: secrets_of(credentials))
        return cls(credentials)

    @classmethod
    def fixed(cls, token: str) -> Self:
        """Return one token that never expires, for simulators."""
        from google.oauth2.credentials import Credentials

        return cls(Credentials(token))  # type: ignore[no-untyped-call]  # untyped in google-auth

    async def token(self) -> str:
        """Return a valid token; raises as ``TokenSource.token`` does."""
        if not self.credentials.valid:
            async with self._refreshing:
                if not self.credentials.valid:
                    await self._refresh()
        return str(self.credentials.token)

    async def renew(self, rejected: str) -> bool:
        """Refresh a token that was rejected before it expired, once for all callers.

        Raises:
            TransientError: the token service cannot be reached.
        """
        async with self._refreshing:
            if str(self.credentials.token) == rejected:
                try:
                    await self._refresh()
                except ConfigurationError:
                    return False  # the service's own error message says more
            return str(self.credentials.token) != rejected

    async def _refresh(self) -> None:
        from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
        from google.auth.transport.requests import Request

        # A message of google-auth may quote the token service's response: only its class is shown.
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
    """Yield the present secrets of google-auth credentials and of their source credentials."""
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
