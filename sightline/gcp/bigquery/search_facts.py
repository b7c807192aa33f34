"""Reads facts about a table of vectors and its index, without reading the table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.search_plan import IndexFacts, TableFacts

if TYPE_CHECKING:
    from google.cloud import bigquery

INDEX_OF = """
SELECT index_name, index_status, coverage_percentage, unindexed_row_count, ddl, disable_reason,
  creation_time, last_refresh_time, total_storage_bytes
FROM `{project}.{dataset}`.INFORMATION_SCHEMA.VECTOR_INDEXES
WHERE table_name = @table
"""

_STORING = re.compile(r"\bSTORING\s*\(([^)]*)\)", re.IGNORECASE)
_LISTS = re.compile(r"num_lists\\?\"\s*:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A row of ``VECTOR_INDEXES``: the facts for a search plan, and details for people."""

    facts: IndexFacts
    unindexed_rows: int
    created_at: datetime | None
    refreshed_at: datetime | None
    bytes: int | None


async def table_facts(client: BigQueryClient, table: str) -> TableFacts:
    """Return the size of a table, including its streaming buffer; free of charge.

    Raises:
        NotFoundError: the table does not exist.
        TransientError, ConfigurationError: see ``sightline.gcp.failures``.
    """
    full_name = f"{client.place.project}.{client.place.dataset}.{table}"

    def read(library: bigquery.Client) -> TableFacts:
        table = library.get_table(full_name, **client.request_options())
        buffer = table.streaming_buffer
        return TableFacts(
            int(table.num_rows or 0) + int((buffer and buffer.estimated_rows) or 0),
            int(table.num_bytes or 0) + int((buffer and buffer.estimated_bytes) or 0),
        )

    return await client.use(read)


async def index_row(client: BigQueryClient, table: str) -> IndexRow | None:
    """Return the vector index of a table, which has at most one; emulators have none.

    Raises:
        TransientError, ConfigurationError: see ``sightline.gcp.failures``.
    """
    if client.place.endpoint is not None:
        return None
    rows = await client.rows(
        INDEX_OF.format(project=client.place.project, dataset=client.place.dataset), table=table
    )
    return read_index_row(rows[0]) if rows else None


def read_index_row(row: tuple[Any, ...]) -> IndexRow:
    """Return the facts in a row of ``INDEX_OF``. The stored columns appear only in the DDL."""
    name, status, coverage, unindexed, ddl, why, created_at, refreshed_at, size = row
    lists = _LISTS.search(ddl or "")
    return IndexRow(
        IndexFacts(
            name=str(name),
            status=str(status or ""),
            # An index may cover rows before it is ready for its first use.
            coverage_percent=int(coverage or 0) if refreshed_at is not None else 0,
            stored=stored_columns(ddl or ""),
            lists=int(lists.group(1)) if lists else None,
            disable_reason=str(why or ""),
        ),
        unindexed_rows=int(unindexed or 0),
        created_at=created_at,
        refreshed_at=refreshed_at,
        bytes=None if size is None else int(size),
    )


def stored_columns(ddl: str) -> frozenset[str]:
    """Return the columns in the STORING clause of an index's definition."""
    match = _STORING.search(ddl)
    names = match.group(1).split(",") if match else []
    return frozenset(name.strip().strip("`") for name in names if name.strip())
