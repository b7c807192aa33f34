"""The statements: files of SQL, whose braces are filled with names and pieces of SQL."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_STATEMENTS = files("sightline.gcp.sql") / "statements"


def statement(name: str, /, **pieces: str) -> str:
    """Return the statement of that name; a piece that it names and is not given is an error.

    Pieces are SQL: names that were quoted by ``BigQueryPlace.table``, or text made in this package.
    A value never is one; it is bound.
    """
    return _text(name).format_map(pieces)


@cache
def _text(name: str) -> str:
    return (_STATEMENTS / f"{name}.sql").read_text(encoding="utf-8").strip()


def names() -> list[str]:
    """Return the names of all statements."""
    return sorted(file.name.removesuffix(".sql") for file in _STATEMENTS.iterdir())
