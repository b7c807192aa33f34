"""The ledgers for DuckDB."""

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
    """Return the ledger's column list for DuckDB's ``CREATE TABLE``."""
    return ", ".join(
        f'"{column.name}" {DUCKDB_TYPES[column.type]}{"[]" if column.repeated else ""}'
        for column in ledger.columns
    )
