"""The tasks that can be asked of an image, resolved for the configured model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightline.errors import NotFoundError
from sightline.settings import Settings
from sightline.tasks import TaskSpec, load_task
from sightline.wiring import known_tasks


def all_tasks(settings: Settings) -> Sequence[TaskSpec]:
    """Return the shipped tasks and those of the ``tasks_dir`` setting.

    Raises:
        ConfigurationError: a task file of the folder is invalid.
    """
    return [task.resolve(settings.models.classify) for task in known_tasks(settings).values()]


def task_of(settings: Settings, name: str) -> TaskSpec:
    """Return the task of this name, or of this task file.

    Raises:
        NotFoundError: there is no such task or file.
        ConfigurationError: the file is invalid.
    """
    known = known_tasks(settings)
    if name in known:
        return known[name].resolve(settings.models.classify)
    if Path(name).suffix == ".toml":
        return checked_task(settings, Path(name))
    raise NotFoundError(f"no task {name!r}; `sightline tasks list` names them")


def checked_task(settings: Settings, file: Path) -> TaskSpec:
    """Return the task in a file.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: the file is invalid; the error names the line and the key.
    """
    return load_task(file).resolve(settings.models.classify)
