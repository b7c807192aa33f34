"""Defines the ledgers and their views once, as data; each engine's tables and DDL are derived from
it.

Standard library only, since the infrastructure program imports it.
"""

from sightline.schema.bigquery import bigquery_ddl, bigquery_schema
from sightline.schema.duckdb import DUCKDB_TYPES, duckdb_columns
from sightline.schema.ledgers import (
    BUDGET_EVENTS,
    CLASSIFICATIONS,
    DEAD_LETTERS,
    LEDGERS,
    OBSERVATIONS,
    RUN_EVENTS,
    RUNS,
    TASK_VERSIONS,
    WORK_ITEMS,
    Column,
    ColumnType,
    Ledger,
    embeddings_ledger,
    embeddings_table,
)
from sightline.schema.parquet import parquet_schema
from sightline.schema.vectors import EMBEDDINGS_PREFIX, vector_views
from sightline.schema.views import CURRENT_ANSWERS, ONE_ROW_A_PART, VIEWS, View

__all__ = [
    "BUDGET_EVENTS",
    "CLASSIFICATIONS",
    "CURRENT_ANSWERS",
    "DEAD_LETTERS",
    "DUCKDB_TYPES",
    "EMBEDDINGS_PREFIX",
    "LEDGERS",
    "OBSERVATIONS",
    "ONE_ROW_A_PART",
    "RUNS",
    "RUN_EVENTS",
    "TASK_VERSIONS",
    "VIEWS",
    "WORK_ITEMS",
    "Column",
    "ColumnType",
    "Ledger",
    "View",
    "bigquery_ddl",
    "bigquery_schema",
    "duckdb_columns",
    "embeddings_ledger",
    "embeddings_table",
    "parquet_schema",
    "vector_views",
]
