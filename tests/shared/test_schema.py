"""The ledgers as data: the three forms that are derived from them agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sightline.schema import (
    LEDGERS,
    Ledger,
    bigquery_ddl,
    bigquery_schema,
    duckdb_columns,
    embeddings_ledger,
    embeddings_table,
    parquet_schema,
)

CHECKOUT = Path(__file__).parents[2]
ALL = [*LEDGERS, embeddings_ledger("gemini-embedding-2", 512)]


@pytest.mark.parametrize("ledger", ALL, ids=lambda ledger: ledger.name)
def test_every_form_has_the_same_columns(ledger: Ledger) -> None:
    names = list(ledger.column_names())
    assert len(set(names)) == len(names)
    assert [column["name"] for column in bigquery_schema(ledger)] == names
    assert parquet_schema(ledger).names == names
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t ({duckdb_columns(ledger)})")
    described = connection.execute("SELECT * FROM t").description
    assert [column[0] for column in described] == names
    assert set(ledger.cluster_by) <= set(names)


@pytest.mark.parametrize("ledger", ALL, ids=lambda ledger: ledger.name)
def test_no_primary_key_is_declared(ledger: Ledger) -> None:
    assert "PRIMARY KEY" not in bigquery_ddl(ledger, "dataset").upper()


def test_a_model_and_a_dimension_have_a_table_of_their_own() -> None:
    assert embeddings_table("multimodalembedding@001", 1408) == (
        "embeddings_multimodalembedding_001_1408"
    )


def outside_of_the_standard_library(code: str, *options: str) -> set[str]:
    """Return the packages that a fresh interpreter holds after running the code."""
    program = (
        "outside = {m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names;"
        "print(' '.join(name for name in outside if not name.startswith('_')))"
    )
    completed = subprocess.run(
        [sys.executable, *options, "-c", f"import sys; {code}; {program}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
    )
    return set(completed.stdout.split())


def test_infra_may_import_the_schema_without_anything_installed() -> None:
    assert outside_of_the_standard_library("import sightline.schema", "-S") == {"sightline"}


def test_infra_may_import_the_settings_with_pydantic_alone() -> None:
    before = outside_of_the_standard_library("pass")
    loaded = outside_of_the_standard_library("import sightline.schema, sightline.settings")
    of_pydantic = outside_of_the_standard_library(
        "import pydantic.dataclasses; pydantic.dataclasses.dataclass(type('A', (), {}))"
    )
    assert loaded - before <= of_pydantic | {"sightline"}
