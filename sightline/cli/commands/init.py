"""``sightline init``: writes a settings file to begin with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, remark, say
from sightline.cli.settings_file import write_settings
from sightline.cli.state import State


class Engine(StrEnum):
    """The sets of adapters that a file can be written for."""

    LOCAL = "local"
    GCP = "gcp"


def init(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("sightline.toml"),
    engine: Annotated[
        Engine | None,
        typer.Option(help="What it is for; with --project gcp, otherwise local."),
    ] = None,
    project: Annotated[str, typer.Option(help="The Google Cloud project.")] = "",
    dataset: Annotated[str, typer.Option(help="The dataset of the ledgers.")] = "sightline",
    location: Annotated[str, typer.Option(help="Where the dataset is.")] = "US",
    source: Annotated[
        str, typer.Option(help="The table of the observations: project.dataset.table.")
    ] = "",
    bucket: Annotated[str, typer.Option(help="The bucket of your own photographs.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a settings file with a comment on each setting; the same file again is no error.

    Example: sightline init --engine gcp --project my-project
    """
    from sightline.cli.starter import Starter, starter_text

    state: State = context.obj
    state.check_output(file, may_be_settings=True)
    chosen = engine or (Engine.GCP if project else Engine.LOCAL)
    text = starter_text(Starter(chosen.value, project, dataset, location, source, bucket))
    written = write_settings(file, text, force=force)
    if as_json:
        print_json({"file": file, "engine": chosen.value, "written": written})
        return
    say(f"{file}: {'written' if written else 'there already, just so'}")
    named = "" if file.name == "sightline.toml" else f" --config {file}"
    step = "setup" if chosen is Engine.GCP else "import DIR"
    remark(f"next: `sightline{named} {step}`, and `sightline{named} doctor` checks it all")
