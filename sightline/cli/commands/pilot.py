"""``sightline pilot``: try a sample end to end, and say what the rest would cost."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.asking import read_request
from sightline.cli.options import (
    AsJson,
    AssetType,
    Box,
    Embed,
    MaxCost,
    Near,
    Polygon,
    Since,
    TaskNames,
    Until,
)
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.cli.asking import Asked
    from sightline.cli.piloting import Piloted

SHOWN = 5


def pilot(
    context: typer.Context,
    task: TaskNames = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    embed: Embed = True,
    sample: Annotated[int, typer.Option(min=1, max=10_000, help="How many subjects to try.")] = 50,
    max_cost: MaxCost = None,
    yes: Annotated[bool, typer.Option("--yes", help="Enqueue the rest without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Do a sample of what is to do, by asset type, in this process; then ask about the rest.

    The sample is chosen by hash, and its results count: they are not paid for again. --max-cost
    is the budget of the rest. Example: sightline pilot --sample 100 --asset-type road_sign
    """
    import asyncio

    from producer.budget import read_limits
    from sightline.cli.commands.enqueue import enqueue_now
    from sightline.cli.piloting import run_pilot

    state: State = context.obj
    settings = state.settings()
    limits = read_limits(max_cost, None)
    asked = read_request(
        settings,
        task=task,
        asset_type=asset_type,
        since=since,
        until=until,
        box=box,
        near=near,
        polygon=polygon,
        limit=None,
        embed=embed,
    )
    done = asyncio.run(run_pilot(settings, asked, sample))
    command = _command(asked, done, max_cost)
    if not as_json:
        _print(done)
    enqueued = None
    if done.rest_messages and (yes or (not as_json and _agreed(done))):
        enqueued = asyncio.run(enqueue_now(settings, asked, limits))
    if as_json:
        print_json({**done.as_dict(), "next": command, "enqueued": enqueued})
        return
    if enqueued:
        say(f"run {enqueued['run_id']}: {enqueued['messages']:,} messages")
        remark("next: `sightline work --drain`")
    elif done.rest_messages:
        remark(f"next: `{command}`")


def _agreed(done: Piloted) -> bool:
    """Ask on a terminal; elsewhere nobody can answer."""
    from sightline.cli.money import usd

    if not sys.stdin.isatty():
        return False
    question = (
        f"enqueue the rest, {done.rest_messages:,} messages for about {usd(done.rest_usd_micros)}?"
    )
    return typer.confirm(question, default=False, err=True)


def _command(asked: Asked, done: Piloted, max_cost: float | None) -> str:
    """Return the command that enqueues the rest, with room of a fifth in its budget."""
    cost = max_cost if max_cost is not None else 1.2 * done.rest_usd_micros / 1e6
    budget = ("--max-cost", f"{cost:.2g}" if cost < 10 else f"{cost:.0f}") if cost else ()
    return shlex.join(["sightline", "enqueue", *asked.arguments, *budget])


def _print(done: Piloted) -> None:
    from sightline.cli.money import usd

    if not done.strata:
        say("nothing is to do: every part that matches is done, dead or in an open run")
        return
    columns = ("asset type", "sampled", "written", "dead", "US dollars an image", "rest")
    print_table(
        "",
        columns,
        [
            (one.asset_type, one.messages, one.written, one.dead, one.usd_an_image, one.rest)
            for one in done.strata
        ],
        digits=6,
    )
    for line in done.answers[:SHOWN]:
        say(f"  {line}")
    for reason, count in sorted(done.dead_letters.items()):
        say(f"dead letters, {reason}: {count:,}")
    say(
        f"\nthe sample cost {usd(done.usd_micros)} in {done.seconds:,.1f} s; the rest,"
        f" {done.rest_messages:,} messages, would cost about {usd(done.rest_usd_micros)} and take"
        f" about {done.rest_hours:,.1f} hours at this worker's speed"
    )
