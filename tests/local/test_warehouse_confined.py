"""Questions in SQL see the warehouse and nothing else: no other file, no network, no settings."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sightline.errors import ConfigurationError
from sightline.local.warehouse import LocalUpkeep, connect
from sightline.local.warehouse.engine import EngineOptions
from sightline.model import WorkItem
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import EMBEDDING, embedding_row, observation

SECRET = "a secret that no question may read"
READS = (
    "SELECT content FROM read_text('{file}')",
    "SELECT content FROM read_blob('{file}')",
    "SELECT * FROM read_csv('{file}', header = false)",
    "SELECT * FROM read_json('{file}', format = 'unstructured')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM read_csv('{folder}/sec*')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_text('{warehouse}/../../secret.csv')",
    "SELECT * FROM read_text('{warehouse}/link.csv')",
    "SELECT * FROM read_text('{warehouse}/linked/secret.csv')",
    "SELECT * FROM glob('{warehouse}/linked/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/self/cwd/secret.csv')",
    "SELECT * FROM read_text('/dev/fd/0')",
    "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT * FROM parquet_metadata('{folder}/outside.parquet')",
    "SELECT getenv('HOME')",
)
NO_QUESTIONS = (
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{warehouse}/out.csv'",
    "ATTACH '{folder}/other.db'",
    "ATTACH '{warehouse}/other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}/out'",
    "CREATE SECRET (TYPE s3)",
    "CREATE TABLE mine AS SELECT 1",
    "SELECT 1; SELECT * FROM read_text('{file}')",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text(f"{SECRET}\n")
    warehouse = tmp_path / "home" / "warehouse"
    rig = local_rig(tmp_path / "home")
    item = WorkItem("run", 0, 0, "obs-001", (observation(1),), (EMBEDDING,))
    asyncio.run(rig.writer.write([embedding_row(item)]))
    (file,) = warehouse.glob("embeddings_*/**/*.parquet")
    shutil.copy(file, tmp_path / "outside.parquet")
    (warehouse / "link.csv").symlink_to(tmp_path / "secret.csv")
    (warehouse / "linked").symlink_to(tmp_path)
    return tmp_path


def ask(folder: Path, question: str) -> object:
    warehouse = folder / "home" / "warehouse"
    text = question.format(file=folder / "secret.csv", folder=folder, warehouse=warehouse)
    return asyncio.run(LocalUpkeep(warehouse).query(text))


@pytest.mark.parametrize("question", READS)
def test_a_question_reads_nothing_outside_of_the_warehouse(folder: Path, question: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ask(folder, question)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("question", NO_QUESTIONS)
def test_a_question_writes_and_changes_nothing(folder: Path, question: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigurationError):
        ask(folder, question)
    assert sorted(folder.rglob("*")) == before


LOCKED = (
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA allowed_directories = ['/']",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "COPY (SELECT 1) TO '/tmp/sightline-out.csv'",
    "ATTACH '/tmp/sightline-out.db'",
    "SELECT * FROM variable",
)


@pytest.mark.parametrize("statement", LOCKED)
def test_the_connection_itself_is_confined(folder: Path, statement: str) -> None:
    variable = pa.table({"secret": [SECRET]})  # DuckDB would take it for a table of that name
    connection = connect(folder / "home" / "warehouse")
    try:
        with pytest.raises(duckdb.Error):
            connection.execute(statement).fetchall()
    finally:
        connection.close()
    assert variable.num_rows == 1
    assert not list(Path("/tmp").glob("sightline-out.*"))


def test_the_refusal_says_what_can_be_read(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="show tables"):
        ask(folder, READS[0])


def test_the_views_can_be_asked(folder: Path) -> None:
    assert ask(folder, "SELECT count(*) AS rows FROM embeddings") == (["rows"], [(1,)])


@pytest.mark.parametrize("name", ["a home", "a [home]*?", "it's a home", "äöü"])
def test_the_views_can_be_asked_below_any_name(folder: Path, name: str) -> None:
    (folder / "home").rename(folder / name)
    (folder / "home").symlink_to(folder / name)  # a home is often a link to another disk
    for root in (folder / name / "warehouse", folder / "home" / "warehouse"):
        query = asyncio.run(LocalUpkeep(root).query("SELECT count(*) AS rows FROM embeddings"))
        assert query == (["rows"], [(1,)])


def test_a_ledger_may_lie_on_another_disk(folder: Path) -> None:
    (ledger,) = (folder / "home" / "warehouse").glob("embeddings_*")
    ledger.rename(folder / "moved")
    ledger.symlink_to(folder / "moved")
    assert ask(folder, "SELECT count(*) AS rows FROM embeddings") == (["rows"], [(1,)])


def test_what_does_not_fit_into_memory_still_goes_to_the_disk(folder: Path) -> None:
    options = EngineOptions(threads=1, memory_limit="60MB")
    connection = connect(folder / "home" / "warehouse", options)
    try:
        text = "SELECT range AS number, repeat('x', 100) || range AS text FROM range(1000000)"
        sorted_ = f"SELECT number FROM ({text}) ORDER BY text DESC LIMIT 1 OFFSET 900000"
        assert connection.sql(sorted_).fetchall()
    finally:
        connection.close()
