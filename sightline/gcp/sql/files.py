"""Loads the SQL statement files and fills their placeholders with names and pieces of SQL."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_STATEMENTS = files("sightline.gcp.sql") / "statements"


def statement(name: str, /, **pieces: str) -> str:
    """Return the named statement, filled with ``pieces``; raises KeyError if one is missing.

    Pieces are SQL: names quoted by ``BigQueryPlace.table``, or text built in this package. Values
    are never pieces; they are bound as parameters.
    """
    return _text(name).format_map(pieces)


@cache
def _text(name: str) -> str:
    return (_STATEMENTS / f"{name}.sql").read_text(encoding="utf-8").strip()


def names() -> list[str]:
    """Return the names of all statements."""
    return sorted(file.name.removesuffix(".sql") for file in _STATEMENTS.iterdir())
