"""``sightline tune``: teach a model the answers there are, and see whether it has learnt them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.gcp.tuning import TuningJob
    from sightline.settings import Settings

app = typer.Typer(
    help="Tune a model with the answers there are, and compare it with its base.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
SIZES = (1, 2, 4, 8, 16)

Location = Annotated[
    str | None,
    typer.Option(help="The region of the job and its model; without it vertex.location."),
]
JobName = Annotated[str, typer.Argument(help="The job's number, or its full name.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return when the job has ended.")]
LookEvery = Annotated[
    float, typer.Option(help="Seconds between looks at the job, while it is waited for.", min=0.01)
]


@app.command("submit", short_help="Write examples to a bucket, and submit a job.")
def submit(
    context: typer.Context,
    task: Annotated[
        str | None, typer.Argument(help="Whose answers; needed where several tasks were asked.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model to tune; without it models.classify.")
    ] = None,
    location: Location = None,
    bucket: Annotated[
        str | None,
        typer.Option(help="gs://bucket/prefix for the examples; without it gcs.bucket."),
    ] = None,
    validation: Annotated[
        float, typer.Option(help="The share of assets held out.", min=0.01, max=0.9)
    ] = 0.1,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the examples; without it Google chooses.", min=1, max=100),
    ] = None,
    adapter_size: Annotated[
        int | None, typer.Option(help="1, 2, 4, 8 or 16; without it Google chooses.")
    ] = None,
    learning_rate_multiplier: Annotated[
        float | None, typer.Option(help="Multiplies Google's own rate.", min=0.001, max=10)
    ] = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    yes: Annotated[bool, typer.Option("--yes", help="Submit without asking.")] = False,
    wait: Wait = True,
    look_every: LookEvery = 20.0,
    as_json: AsJson = False,
) -> None:
    """Make examples of the current answers, put them into a bucket, and submit a tuning job.

    What it is about to do, and what is known of its cost, is said first. The same command again
    finds the job that is there. Example: sightline tune submit road_signs --location us-central1
    """
    import asyncio
    import tempfile

    from sightline.cli.tuning.submission import Parameters
    from sightline.cli.tuning.submitting import Wanted, submitted
    from sightline.errors import ConfigurationError

    if adapter_size is not None and adapter_size not in SIZES:
        raise ConfigurationError(
            f"--adapter-size {adapter_size} is not accepted; accepted: "
            + ", ".join(map(str, SIZES))
        )
    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    state.must_exist()
    settings = state.settings()
    parameters = Parameters(
        model or settings.models.classify, epochs, adapter_size, learning_rate_multiplier
    )
    wanted = Wanted(
        task, which, validation, bucket, location, parameters, yes, wait, look_every, quiet=as_json
    )
    with tempfile.TemporaryDirectory(prefix="sightline-tune-") as room:
        found = asyncio.run(submitted(settings, wanted, Path(room)))
    if as_json:
        print_json(found)


@app.command("status", short_help="Show a job, and how to use its model.")
def status(
    context: typer.Context,
    job: JobName,
    location: Location = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the job has ended.")] = False,
    look_every: LookEvery = 20.0,
    as_json: AsJson = False,
) -> None:
    """Show a tuning job: its state, what it has counted, its model.

    Example: sightline tune status 4000000000000000000 --location us-central1 --wait
    """
    import asyncio

    from sightline.cli.tuning.submitting import check_ended
    from sightline.cli.tuning.words import as_dict, say_job

    state: State = context.obj
    found = asyncio.run(_job(state.settings(), job, location, look_every if wait else None))
    if as_json:
        print_json(as_dict(found))
    else:
        say_job(found)
    if wait:
        check_ended(found)


@app.command("list", short_help="List the jobs of a region.")
def list_(
    context: typer.Context,
    location: Location = None,
    as_json: AsJson = False,
) -> None:
    """List the tuning jobs of a region, the newest first, also those of other programs."""
    import asyncio

    from sightline.cli.tuning.words import as_dict, when

    state: State = context.obj
    found = asyncio.run(_jobs(state.settings(), location))
    if as_json:
        print_json([as_dict(one) for one in found])
    elif found:
        print_table(
            "",
            ("job", "task", "base model", "state", "made"),
            [
                (one.number, one.task or "-", one.base_model, one.state, when(one.created_at))
                for one in found
            ],
        )
    else:
        say("no tuning jobs; `sightline tune submit` makes one")


@app.command("cancel", short_help="Cancel a job.")
def cancel(
    context: typer.Context, job: JobName, location: Location = None, as_json: AsJson = False
) -> None:
    """Ask for a tuning job to be cancelled. What it has cost until then is paid."""
    import asyncio

    from sightline.cli.tuning.words import as_dict, remark_too_late, say_job

    state: State = context.obj
    found = asyncio.run(_cancelled(state.settings(), job, location))
    if as_json:
        print_json(as_dict(found))
    else:
        say_job(found)
    remark_too_late(found)


@app.command("evaluate", short_help="Compare a tuned model with its base.")
def evaluate(
    context: typer.Context,
    job: JobName,
    location: Location = None,
    sample: Annotated[
        int | None, typer.Option(help="At most so many held-out assets, by hash.", min=1)
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="A ground_truth.jsonl, instead of the answers that were held out."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="US dollars that the calls may cost.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask base and tuned model about what was held out, and compare their answers field by field.

    Each asset is asked about once, so that subjects are independent.
    Example: sightline tune evaluate 4000000000000000000 --location us-central1 --sample 200
    """
    import asyncio

    from sightline.analysis.paired import COMPARED
    from sightline.cli.money import usd
    from sightline.cli.tuning.evaluation import evaluated, purse_of, read_given, truth_of
    from sightline.cli.tuning.words import say_evaluation
    from sightline.export.tuning_set import sampled

    state: State = context.obj
    settings = state.settings()
    found = asyncio.run(_job(settings, job, location, None))
    given = read_given(settings, found)
    known = truth_of(given, truth)
    judged = [row for row in given.rows if row.observation_id in known]
    rows = sampled(judged, sample)
    without = len(sampled(given.rows, None)) - len(sampled(judged, None))
    purse = purse_of(settings, found, given.task, max_cost)
    estimate = usd(purse.estimate_usd_micros(len(rows)))
    remark(f"asking both models about {len(rows):,} held-out assets, for about {estimate}")
    with progress_bar("asked", 2 * len(rows)) as update:
        done = asyncio.run(evaluated(settings, found, given.task, rows, known, purse, update))
    skipped = [one.name for one in given.task.fields if one.type not in COMPARED]
    if as_json:
        print_json(
            {
                "job": found.name,
                "endpoint": found.endpoint,
                "base_model": found.base_model,
                "task": given.task.name,
                "truth": str(truth) if truth else "held-out answers",
                "held_out_images": len(given.rows),
                "assets_without_truth": without,
                "asked": len(rows),
                **done.as_dict(),
                "not_compared": skipped,
            }
        )
        return
    say_evaluation(found, given.task.name, len(rows), done, skipped, truth)
    if without:
        remark(f"{without:,} held-out assets are not in {truth}, and were not asked about")


async def _job(
    settings: Settings, job: str, location: str | None, look_every_s: float | None
) -> TuningJob:
    from sightline.wiring.tuning import open_tuning

    async with open_tuning(settings, _location_of(job) or location) as client:
        found = await client.get(job)
        if look_every_s is None:
            return found
        from sightline.cli.tuning.submitting import waited

        return await waited(client, found, look_every_s)


async def _jobs(settings: Settings, location: str | None) -> list[TuningJob]:
    from sightline.wiring.tuning import open_tuning

    async with open_tuning(settings, location) as client:
        return list(await client.jobs())


async def _cancelled(settings: Settings, job: str, location: str | None) -> TuningJob:
    from sightline.wiring.tuning import open_tuning

    async with open_tuning(settings, _location_of(job) or location) as client:
        found = await client.get(job)
        if not found.waits:
            return found
        await client.cancel(job)
        return await client.get(job)


def _location_of(job: str) -> str | None:
    """Return the location in a job's full name."""
    parts = job.split("/")
    return parts[3] if len(parts) == 6 and parts[2] == "locations" else None
