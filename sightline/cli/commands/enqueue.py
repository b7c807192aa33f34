"""``sightline enqueue``: publish what is not done yet."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from producer.run_budget_editor import read_limits
from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import (
    AsJson,
    Embed,
    EmbedOnly,
    EngineName,
    Limit,
    MaxCost,
    MaxImages,
    TaskNames,
)
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views import enqueue as views
from sightline.operations import enqueue as operations
from sightline.operations import republish
from sightline.operations.requests import task_request


@filtered
def enqueue(
    context: typer.Context,
    task: TaskNames = None,
    chosen: FilterOptions = NO_FILTER,
    limit: Limit = None,
    embed: Embed = True,
    embed_only: EmbedOnly = False,
    max_cost: MaxCost = None,
    max_images: MaxImages = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; write nothing.")] = False,
    resume: Annotated[
        str | None, typer.Option(help="Continue publishing this run, or `all` interrupted ones.")
    ] = None,
    reconcile: Annotated[
        str | None, typer.Option(help="Publish the lost parts of this run again, if any.")
    ] = None,
    recheck: Annotated[
        bool,
        typer.Option(
            "--recheck",
            help="After a restore: look up queued messages before models are called.",
        ),
    ] = False,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Write a work list of the parts without a result, and publish it for workers.

    It ends with exit code 6 when observations match no task, unless everything else was done
    before. Example: sightline enqueue --asset-type utility_pole --near 52.09,5.12,500
    """
    state: State = context.obj
    options = {"engine": engine} if engine else None
    settings = state.settings(options)
    if resume is not None:
        run_id = None if resume == "all" else resume
        resumed = state.run(
            lambda ports: republish.resume(ports, run_id, progress=progress_bar), options
        )
        print_json(views.resumed_json(resumed)) if as_json else views.print_resumed(resumed)
        return
    if recheck:
        rechecked = state.run(republish.recheck, options)
        if as_json:
            print_json({"rechecked": rechecked.messages})
        else:
            views.print_recheck(rechecked)
        return
    if reconcile is not None:
        again = state.run(lambda ports: republish.reconcile(ports, reconcile), options)
        print_json(asdict(again)) if as_json else views.print_reconciliation(again)
        return
    which = chosen.filter(limit)
    command = shlex.join(sys.argv[1:])
    request = task_request(
        settings, which, tasks=task or (), embed=embed, embed_only=embed_only, command=command
    )
    limits = read_limits(max_cost, max_images)
    if dry_run:
        preview = state.read(lambda warehouse: operations.preview(warehouse, request), options)
        print_json(views.preview_json(preview)) if as_json else views.print_preview(
            preview, settings
        )
        views.check_matched(preview.leaves_out)
        return
    overrun = operations.overrun_of(settings, request, limits) if limits else None
    result = state.run(
        lambda ports: operations.enqueue(ports, request, limits=limits, progress=progress_bar),
        options,
    )
    if as_json:
        print_json(views.enqueued_json(result))
    else:
        views.print_enqueued(result, settings)
        if overrun and result.run_id:
            views.print_overrun(overrun)
    views.check_matched(result.leaves_out)
