"""The available tasks, resolved for the configured model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import asset_class
from sightline.settings import Settings
from sightline.suggestions import did_you_mean, surely_meant
from sightline.tasks import TaskSpec, complaint_of_name, load_task, new_task_text, parse_task
from sightline.whole_files import storage_errors, write_durably
from sightline.wiring.tasks import check_types, known_tasks


def all_tasks(settings: Settings) -> Sequence[TaskSpec]:
    """Return the shipped tasks and those in ``tasks_dir``.

    Raises:
        ConfigurationError: a task file of the folder is invalid.
    """
    return [task.resolve(settings.models.classify) for task in known_tasks(settings).values()]


def task_of(settings: Settings, name: str) -> TaskSpec:
    """Return the task with this name, or in this file.

    Raises:
        NotFoundError: there is no such task or file.
        ConfigurationError: the file is invalid.
    """
    known = known_tasks(settings)
    if name in known:
        return known[name].resolve(settings.models.classify)
    if Path(name).suffix == ".toml":
        return checked_task(settings, Path(name))
    raise NotFoundError(
        f"no task {name!r}{did_you_mean(name, known)}; `sightline tasks list` lists them"
    )


def checked_task(settings: Settings, file: Path) -> TaskSpec:
    """Return the task in a file.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: the file is invalid; the error names the line and the key.
    """
    task = load_task(file)
    check_types(task)
    return task.resolve(settings.models.classify)


@dataclass(frozen=True, slots=True)
class AddedTask:
    """A project's own task: its file, in the folder that ``tasks_dir`` names."""

    task: TaskSpec
    file: Path

    @property
    def tasks_dir(self) -> Path:
        """The folder of the project's own tasks."""
        return self.file.parent


def add_task(settings: Settings, file: Path, *, config: Path) -> AddedTask:
    """Copy a task file into the folder of the project's own tasks.

    Without a ``tasks_dir``, the folder ``tasks`` is created beside the settings file, and the
    setting is written into ``config``, which is created if missing.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: the file is invalid, or another task of its name exists.
        StorageError: it cannot be written.
    """
    task = checked_task(settings, file)
    content = file.read_bytes()
    target = _own_file(settings, task.name, config)
    if target.exists() and target.read_bytes() != content:
        raise ConfigurationError(f"{target} is another task of this name; edit that file instead")
    return _written(settings, task, target, content, config)


def new_task(
    settings: Settings, name: str, *, asset_types: Sequence[str] = (), config: Path
) -> AddedTask:
    """Write a task template into the folder of the project's own tasks; see ``add_task``.

    It is a valid task with one field of each kind, and its comments say what to change.

    Raises:
        ConfigurationError: the name is invalid, an asset type is misspelt, or a task or a file of
            this name exists.
        StorageError: it cannot be written.
    """
    complaint = complaint_of_name(name)
    if complaint:
        raise ConfigurationError(f"{complaint}; give another name, such as sign_posts")
    known = known_tasks(settings)
    _check_spelling(asset_types, {kind for task in known.values() for kind in task.asset_types})
    text = new_task_text(name, asset_types)
    target = _own_file(settings, name, config)
    task = parse_task(text, f"task {name}").resolve(settings.models.classify)
    check_types(task)
    if name in known or target.exists():
        raise ConfigurationError(
            f"there is a task {name} already; give another name, or edit its file"
            f" (`sightline tasks show {name}` shows it)"
        )
    return _written(settings, task, target, text.encode(), config)


def _check_spelling(asset_types: Sequence[str], known: Collection[str]) -> None:
    for name in asset_types:
        meant = surely_meant(asset_class(name), known)
        if meant is not None and meant != asset_class(name):
            shown = meant.removeprefix("ASSET_CLASS_").lower()
            raise ConfigurationError(
                f"--asset-type {name} is a misspelling (did you mean {shown}?); give {shown}"
            )


def _own_file(settings: Settings, name: str, config: Path) -> Path:
    return (settings.tasks_dir or config.absolute().parent / "tasks") / f"{name}.toml"


def _written(
    settings: Settings, task: TaskSpec, target: Path, content: bytes, config: Path
) -> AddedTask:
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, content)
        if settings.tasks_dir is None:
            before = config.read_bytes() if config.exists() else b""
            write_durably(
                config, b'tasks_dir = "tasks"\n' + before
            )  # a table would end the top-level keys
    return AddedTask(task, target)
