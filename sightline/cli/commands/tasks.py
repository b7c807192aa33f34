"""``sightline tasks``: what can be asked of an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.tasks import print_check, print_task, print_tasks, task_json
from sightline.operations.tasks import all_tasks, checked_task, task_of

app = typer.Typer(help="List, show and check tasks.", no_args_is_help=True)


@app.command("list", short_help="List the shipped tasks and your own.")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tasks: the shipped ones and those of the `tasks_dir` setting."""
    state: State = context.obj
    tasks = all_tasks(state.settings())
    print_json([task_json(task) for task in tasks]) if as_json else print_tasks(tasks)


@app.command("show", short_help="Show a task: its prompt, its fields, its schema.")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A task's name, or a task file.")],
    as_json: AsJson = False,
) -> None:
    """Show a task: its prompt, its fields, and the schema that its answers follow."""
    state: State = context.obj
    task = task_of(state.settings(), name)
    print_json(task_json(task)) if as_json else print_task(task)


@app.command("check")
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A task file.")],
    as_json: AsJson = False,
) -> None:
    """Check a task file; a mistake is reported with its line and key."""
    state: State = context.obj
    task = checked_task(state.settings(), file)
    print_json(task_json(task)) if as_json else print_check(file, task)
