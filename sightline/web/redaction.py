"""Makes what a server said fit to be stored and logged: one line, bounded, without secrets."""

from __future__ import annotations

import re

MOST_CHARACTERS = 300
_HIDDEN = "[hidden]"
_SECRETS = (
    re.compile(r"(?i)\bbearer\s+[\w.~+/=-]+"),
    re.compile(r"\bya29\.[\w.-]+"),
    re.compile(r"\bAIza[\w-]{30,}"),
    re.compile(r"(?i)\b(x-goog-api-key|api[-_ ]?key(\s+provided)?)\s*[:=]\s*[\w.~+/=-]+"),
    re.compile(r"\bsk-[\w-]{12,}"),
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(
        r"(?i)\b(x-goog-(signature|credential|security-token)|signature|googleaccessid"
        r"|access_token|id_token|key|sig)=[^&\s\"'`]+"
    ),
)


def without_secrets(text: str) -> str:
    """Return a text without tokens, keys and signatures."""
    for secret in _SECRETS:
        text = secret.sub(_HIDDEN, text)
    return text


def one_line(text: str) -> str:
    """Return a text without tokens, keys and signatures, on one line, of 300 characters."""
    text = " ".join(without_secrets(text).split())
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
