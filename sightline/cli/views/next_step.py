"""What to do next where there is nothing to show."""

from __future__ import annotations

from sightline.settings import Settings


def import_step(settings: Settings) -> str:
    """Return the command that brings observations, or says why there are none."""
    return "import DIR" if settings.adapter("warehouse") == "local" else "doctor"
