"""A finding: one thing that was checked, or was not, and the one thing to do where it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sightline.errors import SightlineError

Mend = str | Callable[[Exception], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the job needs. ``mend`` is the one thing to do where it is not ``ok``.

    What was not ``checked`` counts as no failure; its ``detail`` says why.
    """

    what: str
    ok: bool
    detail: str
    mend: str = ""
    checked: bool = True


def unchecked(what: str, why: str) -> Finding:
    """Return the finding on something that was not looked at."""
    return Finding(what, True, f"not checked: {why}", checked=False)


async def attempt(what: str, check: Callable[[], Awaitable[str]], mend: Mend) -> Finding:
    """Return what a check found: its text, or the error that it raised and how to mend that."""
    try:
        return Finding(what, True, await check())
    except (SightlineError, OSError) as error:
        step = mend if isinstance(mend, str) else mend(error)
        return Finding(what, False, " ".join(str(error).split()), step)
