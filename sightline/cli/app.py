"""The Typer application: global options, and the commands in groups by what a person is doing."""

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
from sightline.cli.grouped_help import GroupedHelp
from sightline.cli.state import State

USAGE_ERROR: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    name="sightline",
    cls=GroupedHelp,
    help="Classify, embed and search street-level imagery.",
    no_args_is_help=True,
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


_BEGIN, _RUN, _LOOK, _DECIDE = "Begin", "Run", "Look", "Decide"
_LOOK_AFTER, _CLOUD = "Look after", "Google Cloud"

for _group, _name, _command, _help in (
    (_BEGIN, "demo", demo.demo, "The whole job on rendered scenes."),
    (_BEGIN, "render", render.render, "Draw posters, paintings, portraits or streets."),
    (_BEGIN, "init", init.init, "Write a settings file."),
    (_BEGIN, "import", importing.import_, "Make observations of photographs or a table."),
    (_BEGIN, "tasks", tasks.app, ""),
    (_RUN, "estimate", estimate.estimate, "Say what a run would cost, before it does."),
    (_RUN, "pilot", pilot.pilot, "Try a sample, and say what the rest would cost."),
    (_RUN, "enqueue", enqueue.enqueue, "Publish what is not known yet."),
    (_RUN, "work", work.work, "Classify and embed what is queued."),
    (_RUN, "status", status.status, "Show where every part of every run is."),
    (_RUN, "budget", budget.budget, "Show and change what a run may cost."),
    (_RUN, "cancel", cancel.cancel, "End a run, its messages included."),
    (_RUN, "dead-letters", dead_letters.app, ""),
    (_LOOK, "search", search.search, "Find images by words or by an image."),
    (_LOOK, "similar", similar.similar, "Find the like of an image."),
    (_LOOK, "stats", stats.stats, "Count answers, cross them, and check them."),
    (_LOOK, "sql", upkeep.sql, "Ask the local warehouse in SQL."),
    (_LOOK, "export", export.export, "Write answers as Parquet, GeoJSON, CSV or examples."),
    (_DECIDE, "consolidate", consolidate.consolidate, "Make one answer an asset of several."),
    (_DECIDE, "outliers", outliers.outliers, "Find answers that their neighbours contradict."),
    (_DECIDE, "changes", changes.changes, "Compare two snapshots, or two times."),
    (_DECIDE, "duplicates", duplicates.duplicates, "Group images that are nearly the same."),
    (_DECIDE, "evaluate", evaluate.evaluate, "Compare answers with ground truth."),
    (_DECIDE, "tune", tune.app, ""),
    (_LOOK_AFTER, "doctor", doctor.doctor, "Check what the job needs."),
    (_LOOK_AFTER, "compact", upkeep.compact, "Merge the warehouse's small files."),
    (_LOOK_AFTER, "index", index.app, ""),
    (_CLOUD, "subscribe", subscribe.subscribe, "Make an Imagery Insights listing the source."),
    (_CLOUD, "upload", upload.upload, "Bring photographs into a bucket."),
    (_CLOUD, "setup", setup.setup, "Make tables, topics and subscriptions."),
    (_CLOUD, "config", config.app, ""),
    (_CLOUD, "models", models.app, ""),
    (_CLOUD, "simulate", simulate.app, ""),
):
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name, rich_help_panel=_group)
    else:
        app.command(_name, short_help=_help, rich_help_panel=_group)(_command)
