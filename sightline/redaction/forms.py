"""The forms in which a secret may occur: literal, escaped, percent-encoded, in Base64. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_PERCENT = re.compile(r"%[0-9A-F]{2}")


def forms_of(secret: str) -> frozenset[str]:
    """Return the literal secret, and its forms in JSON, HTML, URLs and Base64."""
    escaped = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {_PERCENT.sub(lambda code: code[0].lower(), text) for text in quoted}
    return frozenset(escaped | quoted | lower | set(_in_base64(secret.encode(errors="replace"))))


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield what any Base64 text contains if it encodes these bytes at any position.

    Three bytes become four characters, so there are three alignments; the characters at the edges,
    which depend on the neighbouring bytes, are left out.
    """
    for before in range(3):
        bits = 8 * (before + len(secret))
        first = -(-8 * before // 6)
        text = base64.b64encode(bytes(before) + secret).decode()[first : bits // 6]
        yield text
        yield text.replace("+", "-").replace("/", "_")
