"""A finding: the result of one check, with the one thing to do if it failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from sightline.errors import SightlineError

Remedy = str | Callable[[Exception], str]
"""What to do if a check fails, or a function that returns it for the error."""


class CheckStatus(Enum):
    """How a check ended. A check that was not made is no failure; its detail gives the reason."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the job needs. ``remedy`` is what to do if the check failed."""

    subject: str
    status: CheckStatus
    detail: str
    remedy: str = ""

    @property
    def failed(self) -> bool:
        """Whether the user has something to do."""
        return self.status is CheckStatus.FAILED


def passed(subject: str, detail: str) -> Finding:
    """Return the finding on something that is correct."""
    return Finding(subject, CheckStatus.PASSED, detail)


def failed(subject: str, detail: str, remedy: str) -> Finding:
    """Return the finding on something that is missing or wrong."""
    return Finding(subject, CheckStatus.FAILED, detail, remedy)


def not_checked(subject: str, why: str) -> Finding:
    """Return the finding on something that was not checked."""
    return Finding(subject, CheckStatus.NOT_CHECKED, f"not checked: {why}")


async def attempt(subject: str, check: Callable[[], Awaitable[str]], remedy: Remedy) -> Finding:
    """Return the result of a check, or the error that it raised with the remedy."""
    try:
        return passed(subject, await check())
    except (SightlineError, OSError) as error:
        step = remedy if isinstance(remedy, str) else remedy(error)
        return failed(subject, " ".join(str(error).split()), step)
