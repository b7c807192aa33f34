"""Chooses the task whose answers are read: by name, or the only one."""

from __future__ import annotations

from sightline.errors import ConfigurationError, NotFoundError
from sightline.ports import AnswerQuery, Warehouse
from sightline.suggestions import did_you_mean
from sightline.tasks import TaskSpec
from sightline.wiring.tasks import known_tasks

NEXT = "run `sightline enqueue` and `sightline work`"
NOTHING_ANSWERED = f"there are no answers yet; {NEXT}"


async def chosen_task(warehouse: Warehouse, name: str | None) -> TaskSpec:
    """Return the task with this name among those ever enqueued.

    Without a name it is the only one, or the only one with answers.

    Raises:
        NotFoundError: there is no such task, or it was never enqueued.
        ConfigurationError: no name is given, and there are several.
    """
    known = known_tasks(warehouse.settings)
    enqueued = {task.name: task for task in await warehouse.answers.tasks()}
    if name is None and len(enqueued) == 1:
        return next(iter(enqueued.values()))
    if name in enqueued:
        return enqueued[name]
    if not enqueued and (name is None or name in known):
        raise NotFoundError(NOTHING_ANSWERED)
    if name is None:
        answered = [
            task for task in enqueued.values() if await warehouse.answers.count(AnswerQuery(task))
        ]
        if len(answered) == 1:
            return answered[0]
        names = [task.name for task in answered] or list(enqueued)
        raise ConfigurationError(f"which task? give one of {', '.join(names)}")
    if name in known:
        raise NotFoundError(
            f"{name} has not been enqueued yet; run `sightline enqueue --task {name}`"
        )
    task_names = sorted({*enqueued, *known})
    raise NotFoundError(
        f"no task {name!r}{did_you_mean(name, task_names)}; there are {', '.join(task_names)}"
    )
