"""The identity for Google Cloud: the default credentials, or an account they impersonate."""

from __future__ import annotations

from typing import Any

from sightline.gcp.credentials import GoogleTokens
from sightline.settings import Settings


def google_tokens(settings: Settings, endpoint: str = "") -> GoogleTokens:
    """Return the credentials for a service at ``endpoint``, or at Google's where that is empty.

    To an endpoint in clear text (an emulator) no real credentials are ever sent.

    Raises:
        ConfigurationError: there are no credentials.
    """
    if endpoint.startswith("http://"):
        return GoogleTokens.fixed("emulator")
    return GoogleTokens.default(impersonate=settings.gcp.impersonate)


def google_credentials(settings: Settings, endpoint: str | None = None) -> Any:
    """Return google-auth's credentials for Google; ``None`` for an emulator (blocks for a moment).

    ``endpoint`` is the setting that replaces Google's own, in any form: a URL, a host and port.

    Raises:
        ConfigurationError: there are none.
    """
    return None if endpoint else google_tokens(settings).credentials
