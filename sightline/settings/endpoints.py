"""Checks the endpoints of services before any is asked; none is shown with what may be secret."""

from __future__ import annotations

from urllib.parse import urlsplit

from sightline.errors import ConfigurationError
from sightline.redaction import shown_endpoint
from sightline.settings.sections import Settings

_EXAMPLE = "a URL such as https://host:8443, without spaces"


def check_endpoints(settings: Settings) -> None:
    """Check every endpoint that is set.

    Raises:
        ConfigurationError: one cannot be asked; naming the setting.
    """
    urls = {
        "bigquery.endpoint": settings.bigquery.endpoint,
        "bigquery.hub_endpoint": settings.bigquery.hub_endpoint,
        "vertex.endpoint": settings.vertex.endpoint,
        "gemini.endpoint": settings.gemini.endpoint,
        "gcs.endpoint": settings.gcs.endpoint,
    }
    for name, url in urls.items():
        if url and not is_url(url):
            raise _not_accepted(name, url, _EXAMPLE)
    if "@" in settings.vertex.endpoint:
        accepted = f"{_EXAMPLE} and without a user: access tokens are sent to it"
        raise _not_accepted("vertex.endpoint", settings.vertex.endpoint, accepted)
    addresses = {
        "bigquery.storage_endpoint": settings.bigquery.storage_endpoint,
        "pubsub.endpoint": settings.pubsub.endpoint,
    }
    for name, address in addresses.items():
        if "@" in address:
            raise _not_accepted(name, address, "host:port, such as 127.0.0.1:8085")


def is_url(text: str) -> bool:
    """Return whether a text is the URL of a service: http or https, a host, a port if any."""
    try:
        address = urlsplit(text)
        port = address.port
    except ValueError:
        return False
    return (
        address.scheme in {"http", "https"}
        and bool(address.hostname)
        and port != 0
        and text.isprintable()
        and " " not in text
    )


def _not_accepted(name: str, endpoint: str, accepted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} = {shown_endpoint(endpoint)!r} is not accepted; accepted: {accepted}"
    )
