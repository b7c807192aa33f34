"""SQL over the ledgers and their views, for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.ports import Warehouse


@dataclass(frozen=True, slots=True)
class SqlResult:
    """The columns of a query, and its rows."""

    columns: Sequence[str]
    rows: Sequence[tuple[object, ...]]


async def sql(warehouse: Warehouse, query: str) -> SqlResult:
    """Return the result of one SELECT; nothing can be written.

    Raises:
        ConfigurationError: it is not a single SELECT, or the engine refuses it.
    """
    columns, rows = await warehouse.upkeep.query(query)
    return SqlResult(columns, rows)
