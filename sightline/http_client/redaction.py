"""Makes a server's text fit to store and log: one line, bounded, without secrets."""

from __future__ import annotations

from sightline.redaction import without_secrets

__all__ = ["MOST_CHARACTERS", "one_line", "without_secrets"]

MOST_CHARACTERS = 300


def one_line(text: str) -> str:
    """Return a text without secrets, on one line, of 300 characters."""
    text = " ".join(without_secrets(text).split())
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
