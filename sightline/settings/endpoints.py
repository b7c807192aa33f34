"""The accepted forms of service endpoints; their possible secrets are never shown."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from sightline.settings.fields import Checked

_EXAMPLE = "a URL such as https://host:8443, without spaces"
_COLLECTOR = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


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


def names_in(text: str) -> list[str]:
    """Return the host names in a comma-separated text."""
    return [name.strip() for name in text.split(",") if name.strip()]


Url = Annotated[str, Checked(_EXAMPLE, lambda text: not text or is_url(text))]
UrlWithoutUser = Annotated[
    str,
    Checked(
        f"{_EXAMPLE} and without a user: access tokens are sent to it",
        lambda text: not text or (is_url(text) and "@" not in text),
    ),
]
Address = Annotated[str, Checked("host:port, such as 127.0.0.1:8085", lambda text: "@" not in text)]
# Settings are shown and recorded, so they hold no credentials.
CollectorUrl = Annotated[
    str,
    Checked(
        "a URL such as http://127.0.0.1:4318, without user, query and fragment: credentials go into"
        " the environment variable OTEL_EXPORTER_OTLP_HEADERS",
        lambda text: not text or _COLLECTOR.fullmatch(text),
    ),
]
HostNames = Annotated[
    str,
    Checked(
        "names such as worker or worker.lan:9464, commas between them",
        lambda text: all(_HOST.fullmatch(name) for name in names_in(text)),
    ),
]
