"""``sightline sql`` and ``sightline compact``: the local warehouse, read and kept tidy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State


def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="One SELECT over the ledgers and their views.")],
    as_json: AsJson = False,
) -> None:
    """Ask the warehouse in SQL (DuckDB's or BigQuery's); nothing can be written.

    Example: sightline sql "select sign_type, count(*) from road_signs_current group by 1"
    """
    import asyncio

    state: State = context.obj
    columns, rows = asyncio.run(_ask(state.settings(), query))
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("", columns, rows, digits=6)


async def _ask(settings: Any, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        return await warehouse.upkeep.query(query)


def compact(
    context: typer.Context,
    all_: Annotated[
        bool, typer.Option("--all", help="Today's files too, not only those of closed days.")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Rebuild manifests that are lost, from the files themselves."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Merge the warehouse's small files, and drop physical duplicates.

    Safe beside running workers. Example: sightline compact --all
    """
    import asyncio

    state: State = context.obj
    if repair:
        repaired = [asdict(one) for one in asyncio.run(_repair(state.settings()))]
        if as_json:
            print_json(repaired)
        elif not repaired:
            say("nothing to repair")
        else:
            print_table("", tuple(repaired[0]), [tuple(row.values()) for row in repaired])
            remark("next: `sightline status --check`")
        return
    reports = asyncio.run(_compact(state.settings(), everything=all_))
    rows = [asdict(report) for report in reports if report.partitions]
    if as_json:
        print_json(rows)
    elif not rows:
        say("nothing to compact")
    else:
        print_table("", tuple(rows[0]), [tuple(row.values()) for row in rows])


async def _compact(settings: Any, *, everything: bool) -> Any:
    from sightline.wiring import open_warehouse, utc_now

    async with open_warehouse(settings) as warehouse:
        return await warehouse.upkeep.compact(now=utc_now(), everything=everything)


async def _repair(settings: Any) -> Any:
    from sightline.wiring import open_warehouse, utc_now

    async with open_warehouse(settings) as warehouse:
        return await warehouse.upkeep.repair(now=utc_now())
