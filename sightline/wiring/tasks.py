"""The available tasks."""

from __future__ import annotations

from collections.abc import Mapping

from sightline.settings import Settings
from sightline.tasks import TaskSpec, load_tasks, shipped_directory


def known_tasks(settings: Settings) -> Mapping[str, TaskSpec]:
    """Return the shipped tasks, and those of the ``tasks_dir`` setting, which take precedence."""
    own = (settings.tasks_dir,) if settings.tasks_dir else ()
    return load_tasks((shipped_directory(), *own))
