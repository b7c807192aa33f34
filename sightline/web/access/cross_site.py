"""Recognises requests that other sites make in a visitor's name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def is_own_host(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header names this server: a loopback name, or one of ``names``.

    A site whose name an attacker resolves to this machine (DNS rebinding) has another name.
    """
    match = _HOST.fullmatch(host)
    return match is not None and match[1].lower().rstrip(".") in {*_LOOPBACK, *names}


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Return whether the browser says that the page itself sends this request.

    Browsers send ``Sec-Fetch-Site`` to trustworthy origins (https, and this machine), and
    ``Origin`` with every write.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
