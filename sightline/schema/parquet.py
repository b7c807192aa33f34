"""The ledgers as Parquet schemas."""

from __future__ import annotations

from typing import Any

from sightline.schema.ledgers import Ledger


def parquet_schema(ledger: Ledger) -> Any:
    """Return the ledger's ``pyarrow.Schema`` (pyarrow is imported here, not before)."""
    import pyarrow as pa  # noqa: PLC0415 - infra imports this module without pyarrow

    kinds = {
        "STRING": pa.string(),
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "FLOAT32": pa.float32(),
        "BOOL": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us", tz="UTC"),
        "JSON": pa.string(),
    }
    return pa.schema(
        [
            pa.field(
                column.name,
                pa.list_(kinds[column.type]) if column.repeated else kinds[column.type],
                nullable=not column.required,
                metadata={"description": column.description},
            )
            for column in ledger.columns
        ]
    )
