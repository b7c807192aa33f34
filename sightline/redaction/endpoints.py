"""URLs and hosts from settings: shown without secrets, with their secrets registered."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, unquote_plus

from sightline.redaction.secrets import ANYWHERE_CHARACTERS, HIDDEN, SECRETS

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{0,2}")
_QUERY_VALUE = re.compile(r"(?<=[?&;])([^=&;#]*)=[^&;#]*")
_SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|pwd|auth|sig|credential|cookie")
MOST_SHOWN = 200


def shown_endpoint(endpoint: str) -> str:
    """Return a URL, or a host and port, for a message: without user, values and fragment.

    The URL may be invalid; nothing that may be a password is shown in any case: everything up to
    the last @ counts as the user.
    """
    scheme = match[0] if (match := _SCHEME.match(endpoint)) and "//" in match[0] else ""
    rest = endpoint[len(scheme) :]
    user, at, rest = rest.rpartition("@")
    rest, _, fragment = rest.partition("#")
    address, mark, query = rest.partition("?")
    query = _QUERY_VALUE.sub(rf"\1={HIDDEN}", mark + query)
    if mark and "=" not in query:
        query = f"?{HIDDEN}" if len(query) > 1 else query
    text = scheme + (f"{HIDDEN}@" if at and user else at) + address + query
    text = SECRETS.hide(text + (f"#{HIDDEN}" if fragment else ""))
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def endpoint_secrets(endpoint: str) -> Iterator[str]:
    """Yield the secrets in a URL or a host: the password, or a lone user, and keys."""
    match = _SCHEME.match(endpoint)
    rest = endpoint[len(match[0]) if match and "//" in match[0] else 0 :]
    user, at, rest = rest.rpartition("@")
    if at:
        name, colon, password = user.partition(":")
        secret = password if colon else name
        yield from {secret, unquote(secret)}
    for pair in re.findall(r"[?&;]([^=&;#]*=[^&;#]*)", rest):
        name, _, secret = pair.partition("=")
        if _SECRET_NAME.search(name):
            yield from {secret, unquote_plus(secret)}


def register_endpoints(values: object, name: str = "") -> None:
    """Register the secrets in every URL among the values of settings, including tables.

    A value is an endpoint by its form, or by the name of its setting.
    """
    if isinstance(values, Mapping):
        for key, value in values.items():
            register_endpoints(value, str(key))
    elif isinstance(values, str) and ("://" in values or "endpoint" in name):
        for secret in endpoint_secrets(values):
            SECRETS.register(secret)


def register_headers(text: str) -> None:
    """Register the values in ``name=value,name=value``, the form of OpenTelemetry's variables."""
    for pair in text.split(","):
        name, _, value = pair.partition("=")
        value = unquote(value.strip())
        if _SECRET_NAME.search(name) or len(value) >= ANYWHERE_CHARACTERS:
            register_authorization(value)


def register_authorization(value: str) -> None:
    """Register the value of an ``Authorization`` header, and the secret in it."""
    SECRETS.register(value)
    scheme, _, secret = value.strip().partition(" ")
    if not secret:
        return
    SECRETS.register(secret)
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(secret.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return  # not such a value: all of it is hidden
        SECRETS.register(pair.partition(":")[2])
