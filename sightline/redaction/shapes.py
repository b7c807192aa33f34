"""Hides registered secrets and anything that looks like one, in texts for people."""

from __future__ import annotations

import re

from sightline.redaction.secrets import HIDDEN, SECRETS

_SHAPES = (
    re.compile(r"(?i)\bbearer\s+[\w.~+/=-]+"),
    re.compile(r"\bya29\.[\w.-]+"),
    re.compile(r"\bAIza[\w-]{30,}"),
    re.compile(r"(?i)\b(x-goog-api-key|api[-_ ]?key(\s+provided)?)\s*[:=]\s*[\w.~+/=-]+"),
    re.compile(r"\bsk-[\w-]{12,}"),
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL
    ),
    re.compile(
        r"(?i)\b(x-goog-(signature|credential|security-token)|signature|googleaccessid"
        r"|access_token|id_token|key|sig)=[^&\s\"'`]+"
    ),
)
_USER_IN_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#\"'`<>@]*(@[^\s/?#\"'`<>@]*)*@")


def without_secrets(text: str) -> str:
    """Return a text without registered secrets, tokens, keys, signatures and users in URLs."""
    text = _USER_IN_URL.sub(rf"\1{HIDDEN}@", SECRETS.hide(text))
    for shape in _SHAPES:
        text = shape.sub(HIDDEN, text)
    return text
