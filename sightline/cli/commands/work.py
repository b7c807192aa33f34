"""``sightline work``: run a worker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from sightline.cli.logs import worker_logs
from sightline.cli.options import AsJson, EngineName
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.work import print_work, work_json
from sightline.errors import ConfigurationError
from sightline.operations.demo_model import remark_on_answers
from sightline.operations.work import work as run
from sightline.progress import no_progress
from sightline.settings import Settings
from sightline.wiring.ids import new_worker_id


def work(
    context: typer.Context,
    drain: Annotated[bool, typer.Option(help="Exit when the backlog is empty.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show rates, quota, cost and the remaining work, live.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="For engines without workers: only print the possible cost."
        ),
    ] = False,
    log_format: Annotated[
        str | None, typer.Option(help="The log format, text or json; default: the setting.")
    ] = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Process runs: lease messages, classify and embed, write, settle; until stopped.

    With an engine without workers (bigquery, batch), statements or batch jobs do it; then it ends.

    SIGTERM or Ctrl-C finishes the calls in flight within the grace period; a second one ends it
    immediately. It ends by itself, with exit code 5, when all queued messages are of runs over
    their budgets. Example: sightline work --drain --watch
    """
    state: State = context.obj
    settings = state.settings(
        {
            **({"telemetry": {"log_format": log_format}} if log_format else {}),
            **({"engine": engine} if engine else {}),
        }
    )
    worker_id = new_worker_id()
    if settings.adapter("queue") == "work_list":
        if watch:
            raise ConfigurationError(
                "--watch shows a worker, and this engine has none; `sightline status --watch` shows"
                " runs"
            )
        from sightline.cli.commands import work_batches as batches  # noqa: PLC0415 - Google's

        show = batches.plan_batches if dry_run else batches.work_batches
        show(settings, worker_id, as_json=as_json)
        return
    if dry_run:
        raise ConfigurationError(
            "--dry-run is for engines without workers; `sightline estimate` shows what a run costs"
        )
    with worker_logs(settings, worker_id, debug=state.debug) as speak:
        _work(state, settings, worker_id, speak, drain=drain, watch=watch, as_json=as_json)


def _work(
    state: State,
    settings: Settings,
    worker_id: str,
    speak: Callable[[str], None],
    *,
    drain: bool,
    watch: bool,
    as_json: bool,
) -> None:
    view, as_lines = None, False
    if watch:
        from sightline.cli.watching.screen import at, is_drawn, print_line  # noqa: PLC0415 - rich
        from sightline.cli.watching.work_watch import live_worker  # noqa: PLC0415 - rich

        view, as_lines = live_worker(as_json=as_json), not is_drawn(as_json=as_json)
    is_bar = not watch and settings.telemetry.log_format == "text"
    if is_bar and not drain and sys.stderr.isatty():
        speak("waiting for messages until Ctrl-C; with --drain, work ends when none are left")
    result = asyncio.run(
        run(
            settings,
            worker_id=worker_id,
            drain=drain,
            view=view,
            on_metrics_url=lambda url: speak(f"metrics are at {url}"),
            progress=progress_bar if is_bar else no_progress,
        )
    )
    if as_lines:
        print_line(at({"summary": work_json(result.summary)}))
    elif as_json:
        print_json(work_json(result.summary))
    else:
        done = result.summary.progress
        model_remark = state.read(remark_on_answers) if done.answers or done.embeddings else ""
        print_work(result, settings, speak, drained=drain, model_remark=model_remark)
    if result.summary.over_budget:
        raise result.summary.over_budget
