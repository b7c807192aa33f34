"""The request of a run, as ``enqueue``, ``estimate`` and ``pilot`` receive it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from producer.request import build_request, choose_tasks
from sightline.errors import ConfigurationError
from sightline.model import Filter, RunRequest
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.engine import engine_of_runs
from sightline.wiring.tasks import known_tasks
from sightline.work_lists import BY_BATCH_JOBS, check_in_batch


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """The request of a run, and its tasks, resolved to their models.

    ``named``: the user chose the tasks; otherwise they are all tasks that are bound to asset types.
    """

    request: RunRequest
    tasks: Sequence[TaskSpec]
    named: bool = False


def task_request(
    settings: Settings,
    which: Filter | None = None,
    *,
    tasks: Sequence[str] = (),
    embed: bool = True,
    embed_only: bool = False,
    command: str = "",
) -> TaskRequest:
    """Return the request for the answers to tasks and, with ``embed``, for every embedding.

    Without ``tasks``, it includes all tasks that are bound to asset types, and with ``embed_only``
    none. ``command`` is recorded in the ledger as the origin of the run.

    Raises:
        NotFoundError: there is no such task.
        ConfigurationError: a task file is invalid, the engine cannot call one of the models, or
            ``embed_only`` contradicts another option.
    """
    if embed_only and (tasks or not embed):
        other = "--task" if tasks else "--no-embed"
        raise ConfigurationError(f"--embed-only and {other} exclude each other; leave out one")
    chosen = [] if embed_only else choose_tasks(known_tasks(settings), tasks, settings.models)
    request = replace(
        build_request(which or Filter(), chosen, settings.models, embed=embed, command=command),
        engine=engine_of_runs(settings),
    )
    if request.engine == BY_BATCH_JOBS:
        for part_request in request.parts:
            check_in_batch(part_request.part)
    return TaskRequest(request, chosen, named=bool(tasks))
