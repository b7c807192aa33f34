"""``sightline dead-letters``: what was given up, and what to do about it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson, RunId
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State

app = typer.Typer(help="List, replay and purge dead letters.", no_args_is_help=True)

ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only this reason, such as image_gone.")
]
Yes = Annotated[bool, typer.Option("--yes", help="All of them, without naming a reason or a run.")]


@app.command("list")
def list_(
    context: typer.Context,
    reason: ReasonOption = None,
    run: RunId = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the oldest first, with the reason of each."""
    import asyncio

    state: State = context.obj
    found = asyncio.run(_list(state, reason, run, limit + 1))
    rows = found[:limit]
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("no dead letters")
        return
    columns = ("at", "reason", "subject_id", "run_id", "detail")
    print_table("", columns, [[row[name] for name in columns] for row in rows])
    if len(found) > limit:
        remark(f"there are more than {limit:,}; --limit shows them, `sightline status` counts them")
    remark("next: mend the cause, then `sightline dead-letters replay --reason ...`")


@app.command("replay")
def replay(
    context: typer.Context,
    reason: ReasonOption = None,
    run: RunId = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish dead letters again, each with its failed part alone.

    Example: sightline dead-letters replay --reason image_gone
    """
    _settle(context, "replay", reason, run, yes=yes, as_json=as_json)


@app.command("purge")
def purge(
    context: typer.Context,
    reason: ReasonOption = None,
    run: RunId = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take dead letters off the list; the balance still counts their parts as dead."""
    _settle(context, "purge", reason, run, yes=yes, as_json=as_json)


def _which(reason: str | None, run: str | None, limit: int | None = None) -> Any:
    from sightline.errors import ConfigurationError, Reason
    from sightline.ports import DeadLetterFilter

    try:
        chosen = Reason(reason) if reason else None
    except ValueError as error:
        accepted = ", ".join(Reason)
        raise ConfigurationError(
            f"--reason {reason!r} is not accepted; give one of {accepted}"
        ) from error
    return DeadLetterFilter(chosen, run, limit)


async def _list(state: State, reason: str | None, run: str | None, limit: int) -> list[Any]:
    from sightline.wiring import open_warehouse

    async with open_warehouse(state.settings()) as warehouse:
        return [
            {
                "at": row.at.isoformat(timespec="seconds"),
                "reason": row.reason.value,
                "subject_id": row.subject_id,
                "run_id": row.run_id,
                "part_key": row.part_key,
                "detail": row.detail,
                "delivery_attempt": row.delivery_attempt,
                "cost_usd_micros": row.usage.cost_usd_micros,
            }
            async for row in warehouse.dead_letters.list(_which(reason, run, limit))
        ]


def _settle(
    context: typer.Context,
    verb: str,
    reason: str | None,
    run: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    import asyncio

    from sightline.errors import ConfigurationError

    if not (reason or run or yes):
        raise ConfigurationError(f"{verb} which? give --reason, --run, or --yes for all of them")
    state: State = context.obj
    count, passed = asyncio.run(_settle_all(state, verb, _which(reason, run)))
    if as_json:
        print_json({verb: count} | ({"passed_by": passed} if passed else {}))
        return
    done = {"replay": "replayed", "purge": "purged"}[verb]
    say(f"{count:,} dead letters {done}")
    if passed:
        remark(f'{passed:,} are of workers\' runs; replay them with `engine = "gcp"`')
    if verb == "replay" and count:
        has_workers = state.settings().adapter("queue") != "work_list"
        remark(f"next: `sightline work{' --drain' if has_workers else ''}`")


async def _settle_all(state: State, verb: str, which: Any) -> tuple[int, int]:
    from producer.replay import Undertaker
    from sightline.errors import NotFoundError
    from sightline.wiring import new_id, open_engine, utc_now
    from sightline.work_lists import is_by_workers

    settings = state.settings()
    async with open_engine(settings) as engine:
        await engine.consistency.begin()
        runs = await engine.runs.runs()
        if which.run_id and which.run_id not in {run.run_id for run in runs}:
            raise NotFoundError(f"no run {which.run_id}; `sightline status` lists them")
        by_statements = {run.run_id for run in runs if not is_by_workers(run.request_json)}
        others = {run.run_id for run in runs} - by_statements
        no_messages = settings.adapter("queue") == "work_list"
        undertaker = Undertaker(
            engine.dead_letters,
            engine.publisher,
            now=utc_now,
            new_id=new_id,
            by_statements=frozenset(by_statements),
            passed_by=frozenset(others | {""}) if no_messages else frozenset(),
        )
        count = await (undertaker.replay if verb == "replay" else undertaker.purge)(which)
        return count, undertaker.passed
