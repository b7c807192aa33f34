"""Escapes characters that terminals interpret: control characters and direction marks.

A file, a model or a message may put them into the output: an escape sequence that clears the
screen, or a direction override that reverses a line.
"""

from __future__ import annotations

import json
import unicodedata

_ACTED_UPON = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: control and format characters, lone surrogates, line separators."""


def printable(text: str) -> str:
    """Return a text whose unprintable characters are escaped, as Python writes them."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def printable_lines(text: str) -> str:
    """Return a text of several lines, each of them printable."""
    return "\n".join(map(printable, text.split("\n")))


def harmless_json(document: str) -> str:
    """Return the same JSON document without characters that terminals interpret.

    A document without such characters is returned unchanged.
    """
    return "\n".join(
        line if line.isprintable() else "".join(map(_escaped, line))
        for line in document.split("\n")  # JSON escapes line ends within strings itself
    )


def _escaped(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) not in _ACTED_UPON:
        return character
    if character == "\x7f":
        return "\\u007f"  # ASCII, which the line below does not change
    return json.dumps(character)[1:-1]
