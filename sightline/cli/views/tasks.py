"""What ``sightline tasks`` shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sightline.cli.output import print_table, remark, say
from sightline.model import asset_name
from sightline.operations.tasks import AddedTask
from sightline.tasks import TaskSpec


def task_json(task: TaskSpec) -> dict[str, object]:
    """Return a task as ``--json`` shows it."""
    return {
        "name": task.name,
        "description": task.description,
        "asset_types": list(task.asset_types),
        "model": task.model,
        "fingerprint": task.fingerprint,
        "prompt": task.prompt,
        "response_schema": task.response_schema(),
    }


def print_tasks(tasks: Sequence[TaskSpec]) -> None:
    """Print tasks as a table."""
    print_table(
        "",
        ("task", "asset types", "fields", "fingerprint", "description"),
        [
            (
                task.name,
                ", ".join(_types(task)) or "all",
                len(task.fields),
                task.fingerprint[:12],
                task.description,
            )
            for task in tasks
        ],
    )


def print_task(task: TaskSpec) -> None:
    """Print a task: its prompt and its fields."""
    say(f"{task.name}  {task.fingerprint}\n{task.description}\n\n{task.prompt}\n")
    print_table(
        "",
        ("field", "type", "values", "description"),
        [
            (field.name, field.type, " | ".join(field.values), field.description)
            for field in task.fields
        ],
    )


def print_check(file: Path, task: TaskSpec) -> None:
    """Print that a task file is valid."""
    say(f"{file}: {task.name} is valid, {len(task.fields)} fields, {task.fingerprint[:12]}")


def print_new(added: AddedTask) -> None:
    """Print where a new task file is, and the next steps."""
    file = Path(min(str(added.file), os.path.relpath(added.file), key=len))
    print_check(file, added.task)
    name, kinds = added.task.name, ", ".join(_types(added.task))
    if kinds:
        remark(f"the next `sightline enqueue` asks it about every {kinds}: change it before")
    remark(
        f"next: change its prompt and fields, then run `sightline tasks check {file}` and"
        f" `sightline pilot --task {name}`"
    )


def _types(task: TaskSpec) -> list[str]:
    return [asset_name(name) for name in task.asset_types]
