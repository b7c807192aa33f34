"""Values as GoogleSQL literals, for the few places that take no bound parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f'\\]")


def quoted(text: str) -> str:
    """Return a STRING literal; quotes, backslashes and control characters are escaped.

    Raises:
        ValueError: half a surrogate pair, which no encoding of Unicode can carry.
    """
    text.encode()
    return "'" + _UNSAFE.sub(_escape, text) + "'"


def quoted_list(texts: Iterable[str]) -> str:
    """Return an ARRAY<STRING> literal; an empty one keeps its type, too."""
    values = ", ".join(quoted(text) for text in texts)
    return f"[{values}]" if values else "CAST([] AS ARRAY<STRING>)"


def column_path(path: str) -> str:
    """Return a dotted path of identifiers, each quoted; the caller has checked them."""
    return ".".join(f"`{name}`" for name in path.split("."))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _ESCAPES.get(character) or f"\\x{ord(character):02x}"
