"""Characters that a terminal would act upon, written as escapes: controls, and marks of direction.

A file, a model or a message may put them into what is shown: an escape sequence that clears the
screen, or an override of direction that turns a line around.
"""

from __future__ import annotations

import json
import unicodedata

_ACTED_UPON = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories: controls, format characters, lone surrogates, separators of lines."""


def printable(text: str) -> str:
    """Return a text in which what is not printable is escaped, as Python writes it."""
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
    """Return a JSON document of the same value in which no character commands a terminal.

    A document without such characters is returned as it is.
    """
    return "\n".join(
        line if line.isprintable() else "".join(map(_escaped, line))
        for line in document.split("\n")  # JSON escapes line ends within strings itself
    )


def _escaped(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) not in _ACTED_UPON:
        return character
    if character == "\x7f":
        return "\\u007f"  # ASCII, which the line below leaves as it is
    return json.dumps(character)[1:-1]
