"""``sightline sql`` and ``sightline compact``: the local warehouse, read and kept tidy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, print_table, say
from sightline.cli.state import State


def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="One SELECT over the ledgers and their views.")],
    as_json: AsJson = False,
) -> None:
    """Ask the local warehouse in SQL (DuckDB); nothing can be written.

    Example: sightline sql "select sign_type, count(*) from road_signs_current group by all"
    """
    from sightline.local.warehouse import query as ask
    from sightline.wiring import warehouse_path

    state: State = context.obj
    columns, rows = ask(warehouse_path(state.settings()), query)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("", columns, rows, digits=6)


def compact(
    context: typer.Context,
    all_: Annotated[
        bool, typer.Option("--all", help="Today's files too, not only those of closed days.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Merge the local warehouse's small files, and drop physical duplicates.

    Safe beside running workers. Example: sightline compact --all
    """
    from sightline.local.warehouse import compact_all
    from sightline.wiring import utc_now, warehouse_path

    state: State = context.obj
    reports = compact_all(warehouse_path(state.settings()), now=utc_now(), everything=all_)
    rows = [asdict(report) for report in reports if report.partitions]
    if as_json:
        print_json(rows)
    elif not rows:
        say("nothing to compact")
    else:
        print_table("", tuple(rows[0]), [tuple(row.values()) for row in rows])
