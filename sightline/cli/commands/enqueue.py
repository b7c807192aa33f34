"""``sightline enqueue``: publish what is not done yet."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State


def enqueue(
    context: typer.Context,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Only this task; without it every task that is bound to asset types."),
    ] = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first so many subjects that match, done or not.")
    ] = None,
    embed: Annotated[bool, typer.Option(help="Embed every image, for search.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; write nothing.")] = False,
    resume: Annotated[
        str | None, typer.Option(help="Go on publishing this run, or `all` interrupted ones.")
    ] = None,
    reconcile: Annotated[
        str | None, typer.Option(help="Publish again what this run has lost, if anything.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a work list of the parts not known yet, and publish it for workers.

    Example: sightline enqueue --asset-type utility_pole --near 52.09,5.12,500
    """
    import asyncio

    from producer.filters import build_filter
    from producer.request import build_request, choose_tasks
    from sightline.wiring import known_tasks

    state: State = context.obj
    settings = state.settings()
    if resume is not None:
        found: dict[str, Any] = {"resumed": asyncio.run(_resume(settings, resume))}
        _print_resumed(found, as_json=as_json)
        return
    if reconcile is not None:
        count = asyncio.run(_reconcile(settings, reconcile))
        if as_json:
            print_json({"run_id": reconcile, "messages": count})
        else:
            say(f"run {reconcile}: {count:,} messages published again")
        return
    tasks = choose_tasks(known_tasks(settings), task or [], settings.models)
    which = build_filter(
        asset_types=asset_type or [],
        captured_from=since,
        captured_until=until,
        box=box,
        near=near,
        polygon=polygon,
        limit=limit,
    )
    request = build_request(
        which, tasks, settings.models, embed=embed, command=shlex.join(sys.argv[1:])
    )
    if dry_run:
        preview = asyncio.run(_preview(settings, request))
        _print_preview(asdict(preview), as_json=as_json)
        return
    found = asyncio.run(_enqueue(settings, request, tasks))
    _print_enqueued(found, as_json=as_json)


async def _preview(settings: Any, request: Any) -> Any:
    from sightline.wiring import open_engine

    async with open_engine(settings) as engine:
        return await engine.source.preview(request)


async def _enqueue(settings: Any, request: Any, tasks: Any) -> dict[str, Any]:
    from producer.publish import Producer
    from sightline.wiring import new_run_id, open_engine, utc_now

    async with open_engine(settings) as engine:
        for task in tasks:
            await engine.runs.remember_task(task, now=utc_now())
        with progress_bar("publishing", None) as update:
            producer = Producer(
                engine.source,
                engine.publisher,
                now=utc_now,
                new_run_id=new_run_id,
                on_progress=update,
            )
            published = await producer.enqueue(request)
        interrupted = [
            run.run_id
            for run in await engine.runs.runs()
            if run.state == "open" and not await _is_published_now(engine, run.run_id)
        ]
        preview = None if published else await engine.source.preview(request)
    return {
        "run_id": published.run_id if published else None,
        "messages": published.messages if published else 0,
        "parts": published.parts if published else 0,
        "interrupted_runs": interrupted,
        "nothing_to_do": asdict(preview) if preview else None,
    }


async def _is_published_now(engine: Any, run_id: str) -> bool:
    from sightline.errors import BusyError

    try:
        async with engine.source.claim(run_id):
            return False
    except BusyError:
        return True


async def _resume(settings: Any, which: str) -> list[dict[str, Any]]:
    from producer.publish import Producer
    from sightline.errors import ConfigurationError, NotFoundError
    from sightline.wiring import new_run_id, open_engine, utc_now

    done = []
    async with open_engine(settings) as engine:
        runs = [run for run in await engine.runs.runs() if which in {"all", run.run_id}]
        if not runs and which != "all":
            raise NotFoundError(f"no run {which}; `sightline status` lists them")
        if which != "all" and runs[0].state == "cancelled":
            raise ConfigurationError(f"run {which} was cancelled; `sightline enqueue` asks anew")
        for run in runs:
            if run.state != "open":
                continue
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


async def _reconcile(settings: Any, run_id: str) -> int:
    from producer.publish import Producer
    from sightline.wiring import new_run_id, open_engine, utc_now

    async with open_engine(settings) as engine:
        producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
        return await producer.reconcile(run_id, engine.runs)


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


def _print_enqueued(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if found["run_id"]:
        say(f"run {found['run_id']}: {found['messages']:,} messages, {found['parts']:,} parts")
        remark("next: `sightline work --drain`")
    else:
        left = found["nothing_to_do"]
        say(
            f"nothing to publish: of {left['matched']:,} parts {left['done']:,} are done,"
            f" {left['held']:,} are in an open run, {left['dead']:,} are dead letters"
        )
        if not left["observations"]:
            remark("next: `sightline import DIR`, since no observation matches")
    if found["interrupted_runs"]:
        remark(
            f"interrupted: {', '.join(found['interrupted_runs'])}; `sightline enqueue --resume all`"
        )


def _print_resumed(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if not found["resumed"]:
        say("no run was interrupted")
    for one in found["resumed"]:
        say(f"run {one['run_id']}: {one['messages']:,} messages published, {one['total']:,} in all")
