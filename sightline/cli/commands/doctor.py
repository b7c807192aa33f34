"""``sightline doctor``: checks what the job needs, and shows how to fix what is wrong."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.doctor import examination_json, print_examination
from sightline.errors import ConfigurationError
from sightline.operations.doctor import examine, examine_project

EXIT_UNWELL = 1


def doctor(
    context: typer.Context,
    call_models: Annotated[
        bool,
        typer.Option("--call-models", help="Call each cloud model once, at a cost."),
    ] = False,
    cloud: Annotated[
        bool,
        typer.Option("--cloud", help="Check instead what `pulumi up` needs of the project."),
    ] = False,
    project: Annotated[
        str, typer.Option(help="With --cloud: the project; default: the one in the settings.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check what the job needs: this machine and, with the gcp engine, everything in the cloud.

    Each failure is reported with its remedy; no failure hides another. Example: sightline doctor
    --cloud --project my-project
    """
    state: State = context.obj
    if cloud and call_models:
        raise ConfigurationError("--cloud calls no model; leave out --call-models")
    if project and not cloud:
        raise ConfigurationError("--project is an option of --cloud; give both, or set gcp.project")
    if cloud:
        examination = examine_project(state.settings, project=project, progress=progress_bar)
    else:
        examination = examine(state.settings, call_models=call_models, progress=progress_bar)
    result = asyncio.run(examination)
    print_json(examination_json(result)) if as_json else print_examination(result)
    if result.has_failures:
        raise typer.Exit(EXIT_UNWELL)
