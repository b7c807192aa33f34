"""``sightline enqueue``: publish what is not done yet."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.asking import read_request
from sightline.cli.options import (
    AsJson,
    AssetType,
    Box,
    Embed,
    EngineName,
    Limit,
    MaxCost,
    MaxImages,
    Near,
    Polygon,
    Since,
    TaskNames,
    Until,
)
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.cli.asking import Asked
    from sightline.model import Run
    from sightline.ports import Limits
    from sightline.settings import Settings


def enqueue(
    context: typer.Context,
    task: TaskNames = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    limit: Limit = None,
    embed: Embed = True,
    max_cost: MaxCost = None,
    max_images: MaxImages = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; write nothing.")] = False,
    resume: Annotated[
        str | None, typer.Option(help="Go on publishing this run, or `all` interrupted ones.")
    ] = None,
    reconcile: Annotated[
        str | None, typer.Option(help="Publish again what this run has lost, if anything.")
    ] = None,
    recheck: Annotated[
        bool,
        typer.Option(
            "--recheck",
            help="After a restore: have what is queued looked up before anything is paid.",
        ),
    ] = False,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Write a work list of the parts not known yet, and publish it for workers.

    Example: sightline enqueue --asset-type utility_pole --near 52.09,5.12,500
    """
    import asyncio

    from producer.budget import read_limits

    state: State = context.obj
    settings = state.settings({"engine": engine} if engine else None)
    if resume is not None:
        found: dict[str, Any] = {"resumed": asyncio.run(_resume(settings, resume))}
        _print_resumed(found, as_json=as_json)
        return
    if recheck:
        count = asyncio.run(_recheck(settings))
        if as_json:
            print_json({"rechecked": count})
        else:
            say(f"{count:,} queued messages will be looked up before anything is paid")
            remark("next: `sightline status --check`")
        return
    if reconcile is not None:
        count = asyncio.run(_reconcile(settings, reconcile))
        if as_json:
            print_json({"run_id": reconcile, "messages": count})
        else:
            say(f"run {reconcile}: {count:,} messages published again")
        return
    asked = read_request(
        settings,
        task=task,
        asset_type=asset_type,
        since=since,
        until=until,
        box=box,
        near=near,
        polygon=polygon,
        limit=limit,
        embed=embed,
    )
    limits = read_limits(max_cost, max_images)
    if dry_run:
        preview = asyncio.run(_preview(settings, asked.request))
        _print_preview(asdict(preview), as_json=as_json)
        return
    found = asyncio.run(enqueue_now(settings, asked, limits))
    _print_enqueued(settings, found, as_json=as_json)
    if limits and found["run_id"] and not as_json:
        _print_budget(settings, asked, limits)


async def _preview(settings: Any, request: Any) -> Any:
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        return await warehouse.source.preview(request)


async def enqueue_now(settings: Settings, asked: Asked, limits: Limits) -> dict[str, Any]:
    """Open a run of what is asked, with this budget, and publish it; return what was done."""
    from producer.budget import Treasurer
    from producer.publish import Producer
    from sightline.wiring import new_id, new_run_id, open_engine, utc_now

    request = asked.request
    async with open_engine(settings) as engine:
        await engine.consistency.begin()
        treasurer = Treasurer(engine.budgets, now=utc_now, new_id=new_id)
        for task in asked.tasks:
            await engine.runs.remember_task(task, now=utc_now())
        with progress_bar("publishing", None) as update:
            producer = Producer(
                engine.source,
                engine.publisher,
                now=utc_now,
                new_run_id=new_run_id,
                on_progress=update,
                before_open=lambda run_id: treasurer.open(run_id, limits),
            )
            published = await producer.enqueue(request)
        runs = [run.run_id for run in await engine.runs.runs() if run.state == "open"]
        published_now = await engine.source.published_now(runs)
        preview = None if published else await engine.source.preview(request)
    return {
        "run_id": published.run_id if published else None,
        "messages": published.messages if published else 0,
        "parts": published.parts if published else 0,
        "interrupted_runs": [run_id for run_id in runs if run_id not in published_now],
        "nothing_to_do": asdict(preview) if preview else None,
    }


async def _resume(settings: Any, which: str) -> list[dict[str, Any]]:
    from producer.publish import Producer
    from sightline.errors import ConfigurationError, NotFoundError
    from sightline.wiring import new_run_id, open_engine, utc_now

    done = []
    async with open_engine(settings) as engine:
        await engine.consistency.begin()
        runs = [run for run in await engine.runs.runs() if which in {"all", run.run_id}]
        if not runs and which != "all":
            raise NotFoundError(f"no run {which}; `sightline status` lists them")
        if which != "all" and runs[0].state == "cancelled":
            raise ConfigurationError(f"run {which} was cancelled; `sightline enqueue` asks anew")
        for run in runs:
            if run.state != "open" or (which == "all" and not _is_ours(settings, run)):
                continue
            _check_is_ours(settings, run)
            with progress_bar(f"publishing {run.run_id}", None) as update:
                producer = Producer(
                    engine.source,
                    engine.publisher,
                    now=utc_now,
                    new_run_id=new_run_id,
                    on_progress=update,
                )
                done.append(asdict(await producer.publish(run, resumed=True)))
    return done


async def _recheck(settings: Any) -> int:
    from sightline.wiring import open_engine

    async with open_engine(settings) as engine:
        return await engine.consistency.accept()


async def _reconcile(settings: Any, run_id: str) -> int:
    from producer.publish import Producer
    from sightline.wiring import new_run_id, open_engine, utc_now

    async with open_engine(settings) as engine:
        await engine.consistency.begin()
        for run in await engine.runs.runs():
            if run.run_id == run_id:
                _check_is_ours(settings, run)
        producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
        return await producer.reconcile(run_id, engine.runs)


def _is_ours(settings: Settings, run: Run) -> bool:
    """Return whether a run is one that this engine works off."""
    from sightline.wiring.statements import engine_of_runs
    from sightline.work_lists import engine_of

    return engine_of(run.request_json) == engine_of_runs(settings)


def _check_is_ours(settings: Settings, run: Run) -> None:
    from sightline.errors import ConfigurationError
    from sightline.work_lists import engine_of, is_by_workers

    if _is_ours(settings, run):
        return
    if is_by_workers(run.request_json):
        raise ConfigurationError(f"run {run.run_id} has messages for workers; leave --engine away")
    raise ConfigurationError(
        f"run {run.run_id} has no messages;"
        f" `sightline work --engine {engine_of(run.request_json)}` goes on with it"
    )


def _print_preview(preview: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(preview)
        return
    rows = [
        (name.replace("_", " "), preview[key])
        for name, key in (
            ("observations that match", "observations"),
            ("parts that match", "matched"),
            ("  done already", "done"),
            ("  dead letters (replay them)", "dead"),
            ("  in an open run", "held"),
            ("  to publish", "to_publish"),
            ("messages to publish", "messages"),
        )
    ]
    print_table("", ("a run would find", "count"), rows)
    if preview["by_asset_type"]:
        say()
        print_table("", ("asset type", "observations"), preview["by_asset_type"])


def _print_enqueued(settings: Settings, found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if found["run_id"]:
        say(f"run {found['run_id']}: {found['messages']:,} messages, {found['parts']:,} parts")
        from sightline.wiring.statements import engine_of_runs

        engine = engine_of_runs(settings)
        remark(f"next: `sightline work {f'--engine {engine}' if engine else '--drain'}`")
    else:
        left = found["nothing_to_do"]
        say(
            f"nothing to publish: of {left['matched']:,} parts {left['done']:,} are done,"
            f" {left['held']:,} are in an open run, {left['dead']:,} are dead letters"
        )
        if not left["observations"]:
            local = settings.adapter("warehouse") == "local"
            step = "import DIR" if local else "doctor"
            remark(f"next: `sightline {step}`, since no observation matches")
    if found["interrupted_runs"]:
        remark(
            f"interrupted: {', '.join(found['interrupted_runs'])}; `sightline enqueue --resume all`"
        )


def _print_budget(settings: Settings, asked: Asked, limits: Limits) -> None:
    """Say how far a run may go beyond its budget."""
    from sightline.cli.money import limits_text, usd
    from sightline.prices import answer_usage
    from sightline.wiring import run_pricing

    if settings.adapter("queue") == "work_list":
        remark(f"budget: {limits_text(limits)}; it is reserved before models are asked")
        return
    own = run_pricing(settings)
    dearest = max(
        (
            answer_usage(
                task,
                own.price_of(task.model),
                images=1,
                output_tokens=task.max_output_tokens,
                location=own.answers_at,
            ).cost_usd_micros
            for task in asked.tasks
        ),
        default=0,
    )
    calls = settings.classify_limit.in_flight + settings.embed_limit.in_flight
    remark(f"budget: {limits_text(limits)}; workers reserve it before they call")
    if limits.cost_usd_micros is not None:
        remark(
            f"it may be exceeded by what calls under way ({calls} a worker at most) cost beyond"
            f" their estimates ({usd(dearest)} an answer of one image, the longest included)"
        )


def _print_resumed(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if not found["resumed"]:
        say("no run was interrupted")
    for one in found["resumed"]:
        say(f"run {one['run_id']}: {one['messages']:,} messages published, {one['total']:,} in all")
