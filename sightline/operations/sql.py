"""SQL over the ledgers and their views, for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.ports import Warehouse

_COUNTS = (
    "SELECT (SELECT count(*) FROM observations) AS enqueued,"
    " (SELECT count(*) FROM source_latest) AS imported"
)


@dataclass(frozen=True, slots=True)
class SqlResult:
    """The columns of a query, and its rows; ``remark`` may say why there are none."""

    columns: Sequence[str]
    rows: Sequence[tuple[object, ...]]
    remark: str = ""


async def sql(warehouse: Warehouse, query: str) -> SqlResult:
    """Return the result of one SELECT; nothing can be written.

    Raises:
        ConfigurationError: it is not a single SELECT, or the engine refuses it.
    """
    columns, rows = await warehouse.upkeep.query(query)
    return SqlResult(columns, rows, "" if rows else await _why_empty(warehouse))


async def _why_empty(warehouse: Warehouse) -> str:
    """Return a remark if nothing was enqueued, so that most views are empty."""
    if warehouse.settings.adapter("warehouse") != "local":
        return ""
    _, ((enqueued, imported),) = await warehouse.upkeep.query(_COUNTS)
    if enqueued or not imported:
        return ""
    return (
        f"none of the {imported:,} imported observations is enqueued yet: query `source_latest`,"
        " or run `sightline enqueue`"
    )
