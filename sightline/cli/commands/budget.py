"""``sightline budget``: show what a run may cost, and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, MaxCost, MaxImages
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.ports import Limits
    from sightline.settings import Settings


def budget(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run, as `sightline status` lists it.")],
    max_cost: MaxCost = None,
    max_images: MaxImages = None,
    release: Annotated[
        bool,
        typer.Option(
            "--release", help="Give back what killed workers hold; no worker may be at work on it."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a run's budget: what it may cost, what is spent, and what workers have reserved.

    Example: sightline budget RUN --max-cost 20
    """
    import asyncio

    from producer.budget import read_limits

    state: State = context.obj
    limits = read_limits(max_cost, max_images)
    found = asyncio.run(_budget(state.settings(), run_id, limits, release=release))
    if as_json:
        print_json(found)
    else:
        _print(found)


async def _budget(
    settings: Settings, run_id: str, limits: Limits, *, release: bool
) -> dict[str, Any]:
    from producer.budget import Treasurer
    from sightline.cli.money import budget_json
    from sightline.errors import NotFoundError
    from sightline.wiring import Engine, new_id, open_engine, open_warehouse, utc_now

    changes = bool(limits) or release
    async with open_engine(settings) if changes else open_warehouse(settings) as engine:
        if all(run.run_id != run_id for run in await engine.runs.runs()):
            raise NotFoundError(f"no run {run_id}; `sightline status` lists them")
        treasurer = Treasurer(engine.budgets, now=utc_now, new_id=new_id)
        released = await treasurer.release(run_id) if release else None
        if limits:
            await treasurer.change(run_id, limits)
        hastened = await engine.backlog.hasten(run_id) if isinstance(engine, Engine) else 0
        spent = await engine.budgets.spent(run_id)
        own = (await engine.budgets.states(run_id)).get(run_id)
        held = await engine.budgets.holdings(run_id)
    return {
        "run_id": run_id,
        "budget": budget_json(own, spent),
        "spent_usd": spent.cost_usd_micros / 1e6,
        "spent_images": spent.images,
        "released_usd": released.cost_usd_micros / 1e6 if released else 0.0,
        "released_images": released.images if released else 0,
        "messages_hastened": hastened,
        "held": [
            {
                "worker_id": one.worker_id,
                "unspent_usd": one.unspent.cost_usd_micros / 1e6,
                "unspent_images": one.unspent.images,
                "last_heard_at": one.last_at,
            }
            for one in held
        ],
    }


def _print(found: dict[str, Any]) -> None:
    own = found["budget"]
    run_id = found["run_id"]
    if own is None:
        say(f"run {run_id} has no budget; it has cost ${found['spent_usd']:,.4f} so far")
        remark(f"next: `sightline budget {run_id} --max-cost 20` sets one")
        return
    print_table(
        "",
        ("run " + run_id, "US dollars", "images"),
        [
            ("budget", own["max_cost_usd"], own["max_images"]),
            ("spent", own["spent_usd"], own["spent_images"]),
            ("reserved, with what is spent", own["reserved_usd"], own["reserved_images"]),
        ],
        digits=4,
    )
    for one in found["held"]:
        say(
            f"{one['worker_id']} holds ${one['unspent_usd']:,.4f} and {one['unspent_images']:,}"
            f" images, last heard of at {one['last_heard_at']:%Y-%m-%d %H:%M:%S} UTC"
        )
    if found["released_usd"] or found["released_images"]:
        say(f"given back: ${found['released_usd']:,.4f} and {found['released_images']:,} images")
    if found["messages_hastened"]:
        say(f"{found['messages_hastened']:,} messages that were put off come at once")
    if own["reached"]:
        remark(
            f"the budget is reached: raise it with --max-cost or --max-images, or"
            f" `sightline cancel {run_id}`"
        )
    else:
        remark("next: `sightline work`")
