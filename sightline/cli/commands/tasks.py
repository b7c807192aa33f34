"""``sightline tasks``: the tasks for images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.tasks import print_check, print_new, print_task, print_tasks, task_json
from sightline.operations.tasks import all_tasks, checked_task, new_task, task_of

app = typer.Typer(help="List, show, check and create tasks.", no_args_is_help=True)


@app.command("list", short_help="List the shipped tasks and your own.")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tasks: the shipped ones and those in `tasks_dir`."""
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


@app.command("new", short_help="Create your own task file.")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The task's name: a to z, digits and _.")],
    asset_type: Annotated[
        list[str] | None,
        typer.Option(help="A type that the task is about, such as road_sign; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a task file with comments, in the folder of the `tasks_dir` setting, and check it.

    Without that setting, the folder is `tasks`, and the settings file then names it. Example:
    sightline tasks new benches --asset-type bench
    """
    state: State = context.obj
    added = new_task(
        state.settings(), name, asset_types=asset_type or (), config=state.config_file()
    )
    print_json({"file": added.file, **task_json(added.task)}) if as_json else print_new(added)
