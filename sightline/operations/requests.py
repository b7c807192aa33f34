"""What a run is asked for, as ``enqueue``, ``estimate`` and ``pilot`` take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from producer.request import build_request, choose_tasks
from sightline.model import Filter, RunRequest
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.engine import engine_of_runs
from sightline.wiring.tasks import known_tasks
from sightline.work_lists import BY_BATCH_JOBS, check_in_batch


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """The request of a run, and the tasks in it, resolved to their models.

    ``named``: a person chose the tasks; else they are all that are bound to asset types.
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
    command: str = "",
) -> TaskRequest:
    """Return the request for the answers to tasks and, with ``embed``, for every embedding.

    Without ``tasks`` all are meant that are bound to asset types. ``command`` is what the ledger
    keeps as the origin of the run.

    Raises:
        NotFoundError: there is no such task.
        ConfigurationError: a task file is invalid, or the engine cannot ask one of the models.
    """
    chosen = choose_tasks(known_tasks(settings), tasks, settings.models)
    request = replace(
        build_request(which or Filter(), chosen, settings.models, embed=embed, command=command),
        engine=engine_of_runs(settings),
    )
    if request.engine == BY_BATCH_JOBS:
        for part_request in request.parts:
            check_in_batch(part_request.part)
    return TaskRequest(request, chosen, named=bool(tasks))
