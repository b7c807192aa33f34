"""Task files: their folders, and the tasks in them by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError
from sightline.given_files import obstacle
from sightline.tasks.parse import parse_task
from sightline.tasks.spec import TaskSpec


def load_task(path: Path) -> TaskSpec:
    """Return the task in a file.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: naming the file, the line and the key.
    """
    if not path.exists():
        raise NotFoundError(f"no task file {path}; see `sightline tasks list`")
    if what := obstacle(path):
        raise ConfigurationError(
            f"{path}: {what}; give a file such as `sightline tasks new` writes"
        )
    try:
        return parse_task(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8; save it as UTF-8") from error


def shipped_directory() -> Path:
    """Return the folder of the shipped tasks, in the wheel or in the checkout."""
    packaged = Path(str(files("sightline"))) / "shipped_tasks"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "tasks"


def load_tasks(directories: tuple[Path, ...]) -> dict[str, TaskSpec]:
    """Return all tasks in the folders by name; a task in a later folder replaces an earlier one.

    Raises:
        ConfigurationError: a folder is missing, a file is invalid, or two of one folder have the
            same name.
    """
    tasks: dict[str, TaskSpec] = {}
    for directory in directories:
        by_name: dict[str, Path] = {}
        if not directory.is_dir():
            raise ConfigurationError(
                f"tasks_dir = {str(directory)!r} is not a folder; create it, or unset it"
            )
        for path in sorted(directory.glob("*.toml")):
            task = load_task(path)
            other = by_name.setdefault(task.name, path)
            if other != path:
                raise ConfigurationError(
                    f"{other} and {path} are both named {task.name}; rename or remove one"
                )
            tasks[task.name] = task
    return tasks
