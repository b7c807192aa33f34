"""The available tasks."""

from __future__ import annotations

from collections.abc import Mapping

from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import asset_name
from sightline.settings import Settings
from sightline.suggestions import did_you_mean, surely_meant
from sightline.tasks import TaskSpec, load_tasks, shipped_directory


def known_tasks(settings: Settings) -> Mapping[str, TaskSpec]:
    """Return the shipped tasks, and those of the ``tasks_dir`` setting, which take precedence.

    A name that is not among them raises ``NotFoundError``.

    Raises:
        ConfigurationError: a task of the folder is invalid, or names a misspelt asset type.
    """
    shipped = load_tasks((shipped_directory(),))
    own = load_tasks((settings.tasks_dir,)) if settings.tasks_dir else {}
    for task in own.values():
        check_types(task, shipped)
    return _Tasks({**shipped, **own})


class _Tasks(dict[str, TaskSpec]):
    def __missing__(self, name: str) -> TaskSpec:
        raise NotFoundError(
            f"no task {name!r}{did_you_mean(name, self)}; there are {', '.join(sorted(self))}"
        )


def check_types(task: TaskSpec, shipped: Mapping[str, TaskSpec] | None = None) -> None:
    """Check that a task is not bound to a misspelt asset type; a new one is welcome.

    Raises:
        ConfigurationError: naming the type that was probably meant.
    """
    tasks = load_tasks((shipped_directory(),)) if shipped is None else shipped
    known = {name for other in tasks.values() for name in other.asset_types}
    for name in task.asset_types:
        meant = None if name in known else surely_meant(name, known)
        if meant is not None:
            raise ConfigurationError(
                f"task {task.name}: asset_types: there is no asset type {asset_name(name)} (did"
                f" you mean {asset_name(meant)}?); correct it, or choose a name less like that one"
            )
