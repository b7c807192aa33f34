"""``sightline work``: a worker."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, EngineName
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.settings import Settings
    from sightline.wiring import Engine
    from worker.main import Meters, Summary
    from worker.vitals import Vitals

    Beside = Callable[[Vitals, Engine], Coroutine[None, None, None]]

Remark = Callable[[str], None]


def work(
    context: typer.Context,
    drain: Annotated[bool, typer.Option(help="Exit when the backlog is empty.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show rates, quota, cost and what is left, live.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Of engines without workers: only say what it may cost."),
    ] = False,
    log_format: Annotated[
        str | None, typer.Option(help="text or json, for what is logged; the setting by default.")
    ] = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Work runs off: lease messages, classify and embed, write, settle; until stopped.

    With an engine without workers (bigquery, batch), statements or batch jobs do it; then it ends.

    SIGTERM or Ctrl-C drains what is in hand within the grace period; a second one ends at once.
    It ends by itself, with exit code 5, when all that is queued is of runs over their budgets.
    Example: sightline work --drain --watch
    """
    from sightline.errors import ConfigurationError
    from sightline.wiring import new_worker_id

    state: State = context.obj
    settings = state.settings(
        {
            **({"telemetry": {"log_format": log_format}} if log_format else {}),
            **({"engine": engine} if engine else {}),
        }
    )
    worker_id = new_worker_id()
    if settings.adapter("queue") == "work_list":
        _without_workers(settings, worker_id, watch=watch, dry_run=dry_run, as_json=as_json)
        return
    if dry_run:
        raise ConfigurationError(
            "--dry-run is for engines without workers; `sightline estimate` says what a run costs"
        )
    with _logs(settings, worker_id, debug=state.debug) as speak:
        done, left = _run(settings, worker_id, speak, drain=drain, watch=watch, as_json=as_json)
        summary = done.as_dict()
        if watch and _as_lines(as_json=as_json):
            from sightline.cli.watching.screen import at, print_line

            print_line(at({"summary": summary}))
        elif as_json:
            print_json(summary)
        else:
            _print(summary, settings, speak, left=0 if drain else left)
        if done.over_budget:
            raise done.over_budget


def _without_workers(
    settings: Settings, worker_id: str, *, watch: bool, dry_run: bool, as_json: bool
) -> None:
    from sightline.cli.statements import show_plan, show_work
    from sightline.errors import ConfigurationError

    if watch:
        raise ConfigurationError(
            "--watch shows a worker, and there is none; `sightline status --watch` shows runs"
        )
    show = show_plan if dry_run else show_work
    show(settings, worker_id, as_json=as_json)


@contextmanager
def _logs(settings: Settings, worker_id: str, *, debug: bool) -> Iterator[Remark]:
    from sightline.cli.logs import json_logs, text_logs

    if settings.telemetry.log_format == "json":
        with json_logs(worker_id=worker_id, debug=debug) as speak:
            yield speak
        return
    text_logs(debug=debug)
    yield remark


def _run(
    settings: Settings,
    worker_id: str,
    speak: Remark,
    *,
    drain: bool,
    watch: bool,
    as_json: bool,
) -> tuple[Summary, int]:
    """Work; return what was done, and how much was left in the queue when it was last seen."""
    import asyncio

    from worker.main import work as run
    from worker.side_tasks import endless

    with ExitStack() as opened:
        meters, measure = opened.enter_context(_measured(settings, worker_id, speak))
        seen = Seen()
        besides = [measure] if measure else []
        if watch:
            besides += [opened.enter_context(_live(as_json=as_json)), seen.count]
        elif settings.telemetry.log_format == "text":
            update = opened.enter_context(progress_bar("messages", None))
            besides.append(seen.shown_by(update))
        else:
            besides.append(seen.count)

        async def beside(vitals: Vitals, engine: Engine) -> None:
            async with asyncio.TaskGroup() as group:
                for one in besides:
                    group.create_task(endless(one(vitals, engine)))

        done = asyncio.run(
            run(settings, drain=drain, watch=beside, worker_id=worker_id, meters=meters)
        )
    return done, seen.left


@contextmanager
def _measured(
    settings: Settings, worker_id: str, speak: Remark
) -> Iterator[tuple[Meters | None, Beside | None]]:
    """Measure where the settings say so; yields who hears of calls, and what runs beside."""
    own = settings.telemetry
    if own.prometheus_port is None and not own.otlp_endpoint:
        yield None, None
        return
    from sightline.errors import ConfigurationError

    try:
        from worker.telemetry.opening import open_telemetry
    except ImportError as error:
        raise ConfigurationError(
            f"metrics need OpenTelemetry ({error}); run `pip install 'sightline[telemetry]'`, or"
            " leave telemetry.prometheus_port and telemetry.otlp_endpoint unset"
        ) from error
    with open_telemetry(settings, worker_id=worker_id) as telemetry:
        if telemetry.prometheus_url:
            speak(f"metrics are at {telemetry.prometheus_url}")
        yield telemetry.meters, telemetry.watch


def _as_lines(*, as_json: bool) -> bool:
    from sightline.cli.watching.screen import is_drawn

    return not is_drawn(as_json=as_json)


@contextmanager
def _live(*, as_json: bool) -> Iterator[Beside]:
    from sightline.cli.watching.screen import screen
    from sightline.cli.watching.work_watch import watch_work

    with screen(as_json=as_json) as show:

        async def live(vitals: Vitals, engine: Engine) -> None:
            await watch_work(show, vitals, engine)

        yield live


class Seen:
    """What was left in the queue when it was last seen."""

    left = 0

    def shown_by(self, update: Callable[[int, int | None], None]) -> Beside:
        """Return what counts twice a second, and shows the count."""

        async def look(vitals: Vitals, engine: Engine) -> None:
            await self._look(vitals, engine, update, every_s=0.5)

        return look

    async def count(self, vitals: Vitals, engine: Engine) -> None:
        """Count now and then."""
        await self._look(vitals, engine, lambda *_: None, every_s=2.0)

    async def _look(
        self,
        vitals: Vitals,
        engine: Engine,
        update: Callable[[int, int | None], None],
        *,
        every_s: float,
    ) -> None:
        import asyncio

        from sightline.errors import SightlineError

        total = None
        while True:
            try:
                backlog = await engine.backlog.backlog()
            except SightlineError:
                pass  # what was seen last is shown; the worker itself says what is wrong
            else:
                self.left = (backlog.ready or 0) + (backlog.leased or 0)
                total = None if backlog.ready is None else vitals.progress.acked + self.left
            update(vitals.progress.acked, total or None)
            await asyncio.sleep(every_s)


def _print(summary: dict[str, Any], settings: Settings, speak: Remark, *, left: int) -> None:
    seconds = summary["seconds"]
    say(
        f"{summary['acked']:,} messages in {seconds:,.1f} s"
        f" ({summary['acked'] / max(seconds, 1e-9):,.0f}/s): {summary['answers']:,} answers,"
        f" {summary['embeddings']:,} embeddings, {sum(summary['dead'].values()):,} dead letters"
    )
    for reason, count in sorted(summary["dead"].items()):
        say(f"  {reason}: {count:,}")
    if summary["nacked_at_stop"]:
        say(f"  given back at the stop: {summary['nacked_at_stop']:,}")
    if summary["over_budget"]:
        say(f"  put off, since their run's budget is reached: {summary['over_budget']:,}")
    if summary["stopped_by"]:
        return
    if left:
        speak(f"stopped with about {left:,} messages in the queue; `sightline work` goes on")
    if settings.models.classify.startswith("demo"):
        speak("answers are by the demo model, which stands in for Gemini: docs/demo-model.md")
    speak('next: `sightline status`, or `sightline search "a stop sign with graffiti"`')
