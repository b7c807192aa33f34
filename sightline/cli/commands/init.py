"""``sightline init``: writes a settings file to begin with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.settings_files import print_starter, starter_json
from sightline.operations.settings_files import write_starter
from sightline.operations.starter_settings import Starter


class EngineName(StrEnum):
    """The engines that a file can be written for."""

    LOCAL = "local"
    GCP = "gcp"


def init(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("sightline.toml"),
    engine: Annotated[
        EngineName | None,
        typer.Option(help="The engine; with --project gcp, otherwise local."),
    ] = None,
    project: Annotated[str, typer.Option(help="The Google Cloud project.")] = "",
    dataset: Annotated[str, typer.Option(help="The dataset of the ledgers.")] = "sightline",
    location: Annotated[str, typer.Option(help="The location of the dataset.")] = "US",
    source: Annotated[
        str, typer.Option(help="The table of the observations: project.dataset.table.")
    ] = "",
    bucket: Annotated[str, typer.Option(help="The bucket of your own photographs.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a settings file with a comment on each setting; an identical file is not an error.

    Example: sightline init --engine gcp --project my-project
    """
    state: State = context.obj
    state.check_output(file, may_be_settings=True)
    chosen = engine or (EngineName.GCP if project else EngineName.LOCAL)
    starter = Starter(chosen.value, project, dataset, location, source, bucket)
    result = write_starter(file, starter, force=force)
    if as_json:
        print_json(starter_json(result, starter))
    else:
        print_starter(result, starter)
