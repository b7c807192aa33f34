"""``sightline estimate``: what a run would cost, with every assumption spelled out."""

from __future__ import annotations

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
    Near,
    Polygon,
    Since,
    TaskNames,
    Until,
)
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from producer.estimate import Estimate, Line
    from sightline.cli.asking import Asked
    from sightline.model import Preview
    from sightline.settings import Settings


def estimate(
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
    requests_per_minute: Annotated[
        float | None,
        typer.Option(min=0.001, help="Calls a minute to each model, all workers together."),
    ] = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run would cost, and how long it would take; nothing is written or paid.

    Example: sightline estimate --asset-type utility_pole --requests-per-minute 600
    """
    import asyncio

    state: State = context.obj
    settings = state.settings({"engine": engine} if engine else None)
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
    found = asyncio.run(_estimate(settings, asked, requests_per_minute))
    if as_json:
        print_json(_as_json(found))
    else:
        _print(settings, found)


async def _estimate(settings: Settings, asked: Asked, per_minute: float | None) -> Estimate:
    from producer.estimate import Prices, Rates
    from producer.estimate import estimate as run
    from sightline.wiring import open_warehouse, run_pricing, utc_now

    own = run_pricing(settings)
    prices = Prices(own.price_of, own.answers_at, own.embeddings_at, utc_now().date())
    said = per_minute / 60 if per_minute else None
    rates = Rates(
        said or settings.classify_limit.rate_per_s or None,
        said or settings.embed_limit.rate_per_s or None,
    )
    async with open_warehouse(settings) as warehouse:
        return await run(
            warehouse.source, warehouse.budgets, asked.request, asked.tasks, prices, rates
        )


def _as_json(found: Estimate) -> dict[str, Any]:
    return {
        "observations": found.preview.observations,
        "parts": found.preview.to_publish,
        "messages": found.preview.messages,
        "cost_usd": found.cost_usd_micros / 1e6,
        "hours": found.hours,
        "shared_out": found.shared_out,
        "lines": [
            {
                "what": one.what,
                "model": one.model,
                "calls": one.calls,
                "images_a_call": one.images_a_call,
                "input_tokens_a_call": one.usage_a_call.input_tokens,
                "output_tokens_a_call": one.usage_a_call.output_tokens,
                "output_tokens_from_calls": one.history_calls,
                "usd_a_call": one.usage_a_call.cost_usd_micros / 1e6,
                "cost_usd": one.cost_usd_micros / 1e6,
                "price_since": one.price_since.isoformat() if one.price_since else None,
                "price_is_old": one.price_is_old,
                "rate_per_s": one.rate_per_s,
                "hours": one.hours,
            }
            for one in found.lines
        ],
    }


def _print(settings: Settings, found: Estimate) -> None:
    from sightline.cli.money import usd

    preview = found.preview
    if not preview.to_publish:
        _print_nothing(settings, preview)
        return
    say(
        f"{preview.observations:,} images match; a run would publish {preview.messages:,} messages"
        f" with {preview.to_publish:,} parts"
    )
    print_table(
        "",
        ("for", "model", "calls", "tokens in", "tokens out", "US dollars a call", "US dollars"),
        [
            (
                one.what,
                one.model,
                one.calls,
                one.usage_a_call.input_tokens,
                one.usage_a_call.output_tokens,
                one.usage_a_call.cost_usd_micros / 1e6,
                one.cost_usd_micros / 1e6,
            )
            for one in found.lines
            if one.calls
        ],
        digits=6,
    )
    say(f"\nabout {usd(found.cost_usd_micros)}{_hours(found.hours)}")
    for said in _assumptions(found):
        say(f"  {said}")
    remark("next: `sightline pilot` measures it on a sample; `sightline enqueue --max-cost USD`")


def _print_nothing(settings: Settings, left: Preview) -> None:
    """Say that a run would do nothing, why, and what to do instead."""
    say(
        f"nothing is to do: of {left.matched:,} parts {left.done:,} are done,"
        f" {left.held:,} are in an open run, {left.dead:,} are dead letters"
    )
    if not left.observations:
        step = "import DIR" if settings.adapter("warehouse") == "local" else "doctor"
        remark(f"next: `sightline {step}`, since no observation matches")
    elif not left.matched:
        remark("next: `sightline tasks list`, since no task that is asked applies to what matches")
    else:
        remark("next: `sightline status`, which shows the runs and what is dead")


def _hours(hours: float | None) -> str:
    if hours is None:
        return "; how long is not known (--requests-per-minute, or classify_limit.rate_per_s)"
    return f" and {hours:,.1f} hours at these rates"


def _assumptions(found: Estimate) -> list[str]:
    from sightline.prices import BYTES_A_TOKEN, TOKENS_AN_IMAGE

    tokens = ", ".join(f"{name} {count}" for name, count in TOKENS_AN_IMAGE.items())
    said = [
        f"an image has {tokens} tokens by its task's media_resolution",
        f"a prompt and its schema have a token for every {BYTES_A_TOKEN} bytes",
        "every call succeeds the first time",
    ]
    if found.shared_out:
        said.append("the limited parts are shared out as they would be without --limit")
    for one in found.lines:
        said += _assumed_of(one) if one.calls else []
    return list(dict.fromkeys(said))


def _assumed_of(one: Line) -> list[str]:
    said = []
    if one.what != "embedding":
        said.append(
            f"{one.what}: answers of {one.usage_a_call.output_tokens:,} tokens, thought included,"
            + (
                f" the mean of {one.history_calls:,} answers"
                if one.history_calls
                else " assumed, since the ledgers hold none"
            )
        )
    if one.images_a_call > 1:
        said.append(f"{one.what}: {one.images_a_call:.1f} images a call")
    if one.price_since is None:
        said.append(f"{one.model} costs nothing: no price file names it")
    else:
        old = "; IT IS OLD, look it up" if one.price_is_old else ""
        said.append(f"{one.model}: the price from {one.price_since} on{old}")
    if one.rate_per_s:
        said.append(f"{one.what}: {one.rate_per_s * 60:,.0f} calls a minute")
    return said
