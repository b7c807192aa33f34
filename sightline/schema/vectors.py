"""The views over the tables of vectors: one per table, and those over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.schema.bigquery import bigquery_schema
from sightline.schema.ledgers import embeddings_ledger
from sightline.schema.views import ONE_ROW_A_PART, View

EMBEDDINGS_PREFIX = "embeddings_"
_ALL = "_all"


def vector_views(tables: Sequence[str]) -> tuple[View, ...]:
    """Return the views over these tables of vectors for BigQuery, each after the views it reads."""
    each = tuple(
        View(
            f"{table}{_ALL}",
            "One row for each embedded part",
            ONE_ROW_A_PART.format(ledger=f"{{{table}}}"),
            (table,),
        )
        for table in tables
    )
    united = tuple(
        View(name, what, _union([f"{table}{suffix}" for table in tables]), tuple(tables))
        for name, suffix, what in (
            ("embeddings_rows", "", "All vectors, physical duplicates included"),
            ("embeddings_all", _ALL, "One row for each embedded part, of every model"),
            ("embeddings", _ALL, "One row for each embedded part, of every model"),
        )
    )
    return (*each, *united)


def _union(names: Sequence[str]) -> str:
    selects = [f"SELECT * FROM {{{name}}}" for name in names]  # noqa: S608 - our own names
    return "\nUNION ALL\n".join(selects) or _none()


def _none() -> str:
    scalar = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    columns = []
    for column in bigquery_schema(embeddings_ledger("any", 1)):
        kind = scalar.get(column["type"], column["type"])
        kind = f"ARRAY<{kind}>" if column["mode"] == "REPEATED" else kind
        columns.append(f"CAST(NULL AS {kind}) AS `{column['name']}`")
    return f"SELECT {', '.join(columns)} FROM UNNEST([1]) WHERE false"  # noqa: S608 - our own names
