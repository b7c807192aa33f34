"""The tasks that can be asked of an image, resolved for the configured model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError
from sightline.settings import Settings
from sightline.tasks import TaskSpec, load_task
from sightline.whole_files import storage_errors, write_durably
from sightline.wiring.tasks import known_tasks


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


@dataclass(frozen=True, slots=True)
class AddedTask:
    """A task that was added to a project, and the folder that its ``tasks_dir`` setting names."""

    task: TaskSpec
    tasks_dir: Path


def add_task(settings: Settings, file: Path, *, config: Path) -> AddedTask:
    """Copy a task file into the folder of the project's own tasks.

    Without a ``tasks_dir`` the folder ``tasks`` beside the settings file is made, and the setting
    is written into ``config``, which is made as well where it is missing.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: the file is invalid, or another task of its name is there.
        StorageError: it cannot be written.
    """
    task = checked_task(settings, file)
    content = file.read_bytes()
    folder = settings.tasks_dir or config.absolute().parent / "tasks"
    target = folder / f"{task.name}.toml"
    if target.exists() and target.read_bytes() != content:
        raise ConfigurationError(f"{target} is another task of this name; edit that file instead")
    with storage_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(target, content)
        if settings.tasks_dir is None:
            before = config.read_bytes() if config.exists() else b""
            write_durably(config, b'tasks_dir = "tasks"\n' + before)  # tables end what is above
    return AddedTask(task, folder)
