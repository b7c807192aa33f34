"""What ``sightline sql`` shows."""

from __future__ import annotations

from sightline.cli.output import print_table, remark
from sightline.operations.sql import SqlResult


def sql_json(result: SqlResult) -> list[dict[str, object]]:
    """Return the document of ``--json``."""
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def print_sql(result: SqlResult) -> None:
    """Print the rows as a table."""
    print_table("", result.columns, result.rows, digits=6)
    if not result.rows:
        remark(result.remark or "0 rows")
