"""What was probably meant by a name that is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_LEAST_RATIO = 0.7
"""Of ``difflib``: "road_sgins" is meant to be found, "road_works" is not."""

_MISSPELT_RATIO = 0.91
"""The same: "road_sgn" and "maintainance_cover" are misspelt, "road_signal" is another thing."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` for the known name most like this one; empty where none is."""
    meant = closest(name, known)
    return f" (did you mean {meant}?)" if meant else ""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like this one: by its letters, else by a whole word of it."""
    by_form = {_form(candidate): candidate for candidate in known}
    form = _form(name)
    matches = get_close_matches(form, by_form, n=1, cutoff=_LEAST_RATIO)
    words = set(form.split("_")) - {""}
    by_word = (candidate for candidate in by_form if words & set(candidate.split("_")))
    meant = matches[0] if matches else next(by_word, None)
    return by_form[meant] if meant is not None else None


def surely_meant(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that another is a misspelling of, a letter or its number apart."""
    by_form = {_form(candidate): candidate for candidate in known}
    matches = get_close_matches(_form(name), by_form, n=1, cutoff=_MISSPELT_RATIO)
    return by_form[matches[0]] if matches else None


def is_plural_of(name: str, known: str) -> bool:
    """Return whether two names differ in their case, separators or number alone."""
    return _form(name) == _form(known)


def _form(name: str) -> str:
    """Return a name in lower case, each of its words in the singular."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return "_".join(word.removesuffix("s") if len(word) > 3 else word for word in words)
