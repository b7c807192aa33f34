"""``sightline tune``: tune a model with the current answers, and evaluate the result."""

from __future__ import annotations

import typer

from sightline.cli.commands.tune.evaluate import evaluate
from sightline.cli.commands.tune.jobs import cancel, list_, status
from sightline.cli.commands.tune.submit import submit

app = typer.Typer(
    help="Tune a model with your answers, and compare it with its base.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("submit", short_help="Write examples to a bucket, and submit a job.")(submit)
app.command("status", short_help="Show a job, and how to use its model.")(status)
app.command("list", short_help="List the jobs of a region.")(list_)
app.command("cancel", short_help="Cancel a job.")(cancel)
app.command("evaluate", short_help="Compare a tuned model with its base.")(evaluate)
