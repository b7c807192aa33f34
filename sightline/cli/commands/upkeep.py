"""``sightline sql`` and ``sightline compact``: query and maintain the warehouse."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, remark
from sightline.cli.state import State
from sightline.cli.views import compact as views
from sightline.cli.views.sql import print_sql, sql_json
from sightline.operations.compact import compact as compact_warehouse
from sightline.operations.compact import repair as repair_warehouse
from sightline.operations.demo_model import remark_on_answers
from sightline.operations.sql import sql as run_query


def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="One SELECT over the ledgers and their views.")],
    as_json: AsJson = False,
) -> None:
    """Query the warehouse in SQL (DuckDB's or BigQuery's); nothing can be written.

    Example: sightline sql "select sign_type, count(*) from road_signs_current group by 1"
    """
    state: State = context.obj
    result = state.read(lambda warehouse: run_query(warehouse, query))
    if result.rows and (line := state.read(remark_on_answers)):
        remark(line)
    print_json(sql_json(result)) if as_json else print_sql(result)


def compact(
    context: typer.Context,
    all_: Annotated[
        bool,
        typer.Option("--all", help="Compact today's files too, not only those of closed days."),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Rebuild missing manifests from the files themselves."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Merge the warehouse's small files, and drop physical duplicates. Safe while workers run.

    Example: sightline compact --all
    """
    state: State = context.obj
    if repair:
        repaired = state.read(repair_warehouse)
        print_json(views.repair_json(repaired)) if as_json else views.print_repair(repaired)
        return
    result = state.read(lambda warehouse: compact_warehouse(warehouse, everything=all_))
    print_json(views.compaction_json(result)) if as_json else views.print_compaction(result)
