"""The ledgers as DuckDB takes them."""

from __future__ import annotations

from sightline.schema.ledgers import Ledger

DUCKDB_TYPES: dict[str, str] = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "FLOAT32": "FLOAT",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "JSON": "VARCHAR",
}


def duckdb_columns(ledger: Ledger) -> str:
    """Return the ledger's column list as DuckDB's ``CREATE TABLE`` takes it."""
    return ", ".join(
        f'"{column.name}" {DUCKDB_TYPES[column.type]}{"[]" if column.repeated else ""}'
        for column in ledger.columns
    )
