"""Whose answers are meant: a task by name, or the only one there is."""

from __future__ import annotations

from sightline.errors import ConfigurationError, NotFoundError
from sightline.ports import Warehouse
from sightline.suggestions import did_you_mean
from sightline.tasks import TaskSpec
from sightline.wiring.tasks import known_tasks

NEXT = "run `sightline enqueue` and `sightline work`"
NOTHING_ANSWERED = f"nothing is answered yet; {NEXT}"


async def chosen_task(warehouse: Warehouse, name: str | None) -> TaskSpec:
    """Return the task of this name among those that were ever asked; without a name the only one.

    Raises:
        NotFoundError: there is none, or it was never asked.
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
        raise ConfigurationError(f"which task? give one of {', '.join(enqueued)}")
    if name in known:
        raise NotFoundError(
            f"{name} has not been enqueued yet; run `sightline enqueue --task {name}`"
        )
    there = sorted({*enqueued, *known})
    raise NotFoundError(
        f"no task {name!r}{did_you_mean(name, there)}; there are {', '.join(there)}"
    )
