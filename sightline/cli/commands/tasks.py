"""``sightline tasks``: what can be asked of an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, print_table, say
from sightline.cli.state import State

app = typer.Typer(help="List, show and check tasks.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tasks: the shipped ones and those of the `tasks_dir` setting."""
    from sightline.wiring import known_tasks

    state: State = context.obj
    settings = state.settings()
    tasks = [task.resolve(settings.models.classify) for task in known_tasks(settings).values()]
    if as_json:
        print_json([_as_dict(task) for task in tasks])
        return
    print_table(
        "",
        ("task", "asset types", "fields", "fingerprint", "description"),
        [
            (
                task.name,
                ", ".join(one.removeprefix("ASSET_CLASS_").lower() for one in task.asset_types)
                or "all",
                len(task.fields),
                task.fingerprint[:12],
                task.description,
            )
            for task in tasks
        ],
    )


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A task's name, or a task file.")],
    as_json: AsJson = False,
) -> None:
    """Show a task: its prompt, its fields, and the schema that its answers follow."""
    state: State = context.obj
    task = _find(state, name)
    if as_json:
        print_json(_as_dict(task))
        return
    say(f"{task.name}  {task.fingerprint}\n{task.description}\n\n{task.prompt}\n")
    print_table(
        "",
        ("field", "type", "values", "description"),
        [(one.name, one.type, " | ".join(one.values), one.description) for one in task.fields],
    )


@app.command("check")
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A task file.")],
    as_json: AsJson = False,
) -> None:
    """Check a task file; a mistake is told with its line and key."""
    from sightline.tasks import load_task

    state: State = context.obj
    task = load_task(file).resolve(state.settings().models.classify)
    if as_json:
        print_json(_as_dict(task))
    else:
        say(f"{file}: {task.name} is sound, {len(task.fields)} fields, {task.fingerprint[:12]}")


def _find(state: State, name: str) -> Any:
    from sightline.errors import NotFoundError
    from sightline.tasks import load_task
    from sightline.wiring import known_tasks

    settings = state.settings()
    known = known_tasks(settings)
    if name in known:
        return known[name].resolve(settings.models.classify)
    if Path(name).suffix == ".toml":
        return load_task(Path(name)).resolve(settings.models.classify)
    raise NotFoundError(f"no task {name!r}; `sightline tasks list` names them")


def _as_dict(task: Any) -> dict[str, Any]:
    return {
        "name": task.name,
        "description": task.description,
        "asset_types": list(task.asset_types),
        "model": task.model,
        "fingerprint": task.fingerprint,
        "prompt": task.prompt,
        "response_schema": task.response_schema(),
    }
