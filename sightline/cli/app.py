"""The Typer application: global options, and the commands in the order of a day's work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline import __version__
from sightline.cli.commands import (
    budget,
    cancel,
    changes,
    config,
    consolidate,
    dead_letters,
    demo,
    doctor,
    duplicates,
    enqueue,
    estimate,
    evaluate,
    export,
    importing,
    index,
    init,
    models,
    outliers,
    pilot,
    render,
    search,
    setup,
    similar,
    simulate,
    stats,
    status,
    subscribe,
    tasks,
    tune,
    upkeep,
    upload,
    work,
)
from sightline.cli.state import State

USAGE_ERROR: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    name="sightline",
    help="Classify, embed and search street-level imagery.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with `sightline demo`, or `sightline import DIR`. Errors end with the next step.",
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"sightline {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Settings file; without it ./sightline.toml, if there.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Where the local engine keeps everything (.sightline).")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and log more.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it, and exit."
        ),
    ] = False,
) -> None:
    """Classify, embed and search street-level imagery."""
    context.obj = State(config=config, home=home, debug=debug)


for _name, _command, _help in (
    ("demo", demo.demo, "The whole job on rendered scenes."),
    ("render", render.render, "Draw posters, paintings, portraits or streets."),
    ("import", importing.import_, "Make observations of photographs or a table."),
    ("init", init.init, "Write a settings file."),
    ("subscribe", subscribe.subscribe, "Make an Imagery Insights listing the source."),
    ("upload", upload.upload, "Bring photographs into a bucket."),
    ("setup", setup.setup, "Make tables, topics and subscriptions."),
    ("estimate", estimate.estimate, "Say what a run would cost, before it does."),
    ("pilot", pilot.pilot, "Try a sample, and say what the rest would cost."),
    ("enqueue", enqueue.enqueue, "Publish what is not known yet."),
    ("work", work.work, "Classify and embed what is queued."),
    ("status", status.status, "Show where every part of every run is."),
    ("search", search.search, "Find images by words or by an image."),
    ("stats", stats.stats, "Count answers, cross them, and check them."),
    ("export", export.export, "Write answers as Parquet, GeoJSON, CSV or examples."),
    ("consolidate", consolidate.consolidate, "Make one answer an asset of several."),
    ("outliers", outliers.outliers, "Find answers that their neighbours contradict."),
    ("changes", changes.changes, "Compare two snapshots, or two times."),
    ("duplicates", duplicates.duplicates, "Group images that are nearly the same."),
    ("similar", similar.similar, "Find the like of an image."),
    ("budget", budget.budget, "Show and change what a run may cost."),
    ("cancel", cancel.cancel, "End a run, its messages included."),
    ("evaluate", evaluate.evaluate, "Compare answers with ground truth."),
    ("sql", upkeep.sql, "Ask the local warehouse in SQL."),
    ("compact", upkeep.compact, "Merge the warehouse's small files."),
    ("doctor", doctor.doctor, "Check what the job needs."),
):
    app.command(_name, short_help=_help)(_command)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(tasks.app, name="tasks")
app.add_typer(index.app, name="index")
app.add_typer(models.app, name="models")
app.add_typer(tune.app, name="tune")
app.add_typer(config.app, name="config")
app.add_typer(simulate.app, name="simulate")
