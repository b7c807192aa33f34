"""The next step, depending on what happened."""

from __future__ import annotations

from sightline.settings import Settings


def work_step(*, answers: int, embeddings: int, dead: int) -> str:
    """Return the next step after work, in words."""
    if dead:
        return "`sightline dead-letters list` shows what could not be done, and why"
    if embeddings:
        return '`sightline status`, or `sightline search "a stop sign with graffiti"`'
    if answers:
        return "`sightline status`, or `sightline stats`"
    return "`sightline status` shows what is left; `sightline enqueue` publishes what is new"


def import_step(settings: Settings) -> str:
    """Return the command that imports observations, or says why there are none."""
    return "import DIR" if settings.adapter("warehouse") == "local" else "doctor"
