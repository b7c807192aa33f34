"""What to do next, after what happened."""

from __future__ import annotations

from sightline.settings import Settings


def work_step(*, answers: int, embeddings: int, dead: int) -> str:
    """Return what to do after work that was done, in words."""
    if dead:
        return "`sightline dead-letters list` shows what could not be done, and why"
    if embeddings:
        return '`sightline status`, or `sightline search "a stop sign with graffiti"`'
    if answers:
        return "`sightline status`, or `sightline stats`"
    return "`sightline status` shows what is left; `sightline enqueue` publishes what is new"


def import_step(settings: Settings) -> str:
    """Return the command that brings observations, or says why there are none."""
    return "import DIR" if settings.adapter("warehouse") == "local" else "doctor"
