"""As whom Google Cloud is used: the default credentials, or an account that they impersonate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.gcp.credentials import GoogleTokens


def google_tokens(settings: Settings, endpoint: str = "") -> GoogleTokens:
    """Return the credentials for a service at ``endpoint``, or at Google's where that is empty.

    To an endpoint in clear text (an emulator) no real credentials are ever sent.

    Raises:
        ConfigurationError: there are no credentials.
    """
    from sightline.gcp.credentials import GoogleTokens

    if endpoint.startswith("http://"):
        return GoogleTokens.fixed("emulator")
    return GoogleTokens.default(impersonate=settings.gcp.impersonate)
