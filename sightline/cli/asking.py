"""What ``enqueue``, ``estimate`` and ``pilot`` are asked for, by the same options."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightline.model import RunRequest
    from sightline.settings import Settings
    from sightline.tasks import TaskSpec


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, the tasks in it, resolved to their models, and the options that say the same."""

    request: RunRequest
    tasks: Sequence[TaskSpec]
    arguments: tuple[str, ...] = ()


def read_request(
    settings: Settings,
    *,
    task: Sequence[str] | None,
    asset_type: Sequence[str] | None,
    since: str | None,
    until: str | None,
    box: str | None,
    near: str | None,
    polygon: Path | None,
    limit: int | None,
    embed: bool,
) -> Asked:
    """Return what these options ask for.

    Raises:
        NotFoundError: there is no such task.
        ConfigurationError: an option is not accepted.
    """
    from producer.filters import build_filter
    from producer.request import build_request, choose_tasks
    from sightline.wiring import known_tasks
    from sightline.wiring.statements import engine_of_runs

    tasks = choose_tasks(known_tasks(settings), task or [], settings.models)
    which = build_filter(
        asset_types=asset_type or [],
        captured_from=since,
        captured_until=until,
        box=box,
        near=near,
        polygon=polygon,
        limit=limit,
    )
    command = shlex.join(sys.argv[1:])
    given = (
        *(("--task", one) for one in task or ()),
        *(("--asset-type", one) for one in asset_type or ()),
        *(
            (option, str(value))
            for option, value in (
                ("--from", since),
                ("--until", until),
                ("--box", box),
                ("--near", near),
                ("--polygon", polygon),
                ("--limit", limit),
            )
            if value is not None
        ),
        *(() if embed else (("--no-embed",),)),
    )
    request = replace(
        build_request(which, tasks, settings.models, embed=embed, command=command),
        engine=engine_of_runs(settings),
    )
    _check_asked_so(request)
    return Asked(request, tasks, tuple(word for words in given for word in words))


def _check_asked_so(request: RunRequest) -> None:
    """Check that the engine can ask every model of a request, as far as that is known.

    Raises:
        ConfigurationError: it cannot, and what to do instead.
    """
    from sightline.work_lists import BY_BATCH_JOBS, check_in_batch

    if request.engine == BY_BATCH_JOBS:
        for one in request.parts:
            check_in_batch(one.part)
