"""Writes values as GoogleSQL literals, for the few places that accept no bound parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f'\\]")


def quoted(text: str) -> str:
    """Return a STRING literal; quotes, backslashes and control characters are escaped.

    Raises:
        ValueError: the text has half a surrogate pair, which UTF-8 cannot encode.
    """
    text.encode()
    return "'" + _UNSAFE.sub(_escape, text) + "'"


def quoted_list(texts: Iterable[str]) -> str:
    """Return an ARRAY<STRING> literal, which keeps its type even if it is empty."""
    values = ", ".join(quoted(text) for text in texts)
    return f"[{values}]" if values else "CAST([] AS ARRAY<STRING>)"


def column_path(path: str) -> str:
    """Return a dotted path of identifiers, each quoted; the caller has checked them."""
    return ".".join(f"`{name}`" for name in path.split("."))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _ESCAPES.get(character) or f"\\x{ord(character):02x}"
