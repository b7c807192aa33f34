"""The ledgers and views for BigQuery: REST schemas and DDL."""

from __future__ import annotations

from sightline.schema.ledgers import Ledger

_BIGQUERY_REST = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "FLOAT32": "FLOAT", "BOOL": "BOOLEAN"}


def bigquery_schema(ledger: Ledger) -> list[dict[str, str]]:
    """Return the ledger's schema for BigQuery's REST API."""
    return [
        {
            "name": column.name,
            "type": _BIGQUERY_REST.get(column.type, column.type),
            "mode": "REPEATED"
            if column.repeated
            else "REQUIRED"
            if column.required
            else "NULLABLE",
            "description": column.description,
        }
        for column in ledger.columns
    ]


def bigquery_ddl(ledger: Ledger, dataset: str) -> str:
    """Return ``CREATE TABLE IF NOT EXISTS`` for BigQuery; no primary key is declared."""
    lines = []
    for column in ledger.columns:
        scalar = "FLOAT64" if column.type == "FLOAT32" else column.type
        kind = f"ARRAY<{scalar}>" if column.repeated else scalar
        null = " NOT NULL" if column.required and not column.repeated else ""
        text = column.description.replace("'", "\\'")
        lines.append(f"  `{column.name}` {kind}{null} OPTIONS (description='{text}')")
    ddl = f"CREATE TABLE IF NOT EXISTS `{dataset}.{ledger.name}` (\n" + ",\n".join(lines) + "\n)"
    if ledger.partition_by:
        ddl += f"\nPARTITION BY DATE(`{ledger.partition_by}`)"
    if ledger.cluster_by:
        ddl += "\nCLUSTER BY " + ", ".join(f"`{name}`" for name in ledger.cluster_by)
    return ddl
