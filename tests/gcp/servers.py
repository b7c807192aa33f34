"""The test servers for Google Cloud, as fixtures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from scripts.servers import (
    BigQueryEmulator,
    GcsServer,
    Pstest,
    PubSubEmulator,
    pubsub_emulator_jar,
    run_bigquery_emulator,
    run_gcs,
    run_pstest,
    run_pubsub_emulator,
)
from tests.gcp.warehouse_rig import make_ledgers

LEDGERS_DATASET = "ledgers"

__all__ = [
    "BigQueryEmulator",
    "GcsServer",
    "Pstest",
    "PubSubEmulator",
    "pubsub_emulator_jar",
]


@pytest.fixture(scope="session")
def pstest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pstest]:
    """Yield a running pstest; mark such tests ``needs("go")``."""
    with run_pstest(tmp_path_factory.mktemp("pstest") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def pubsub_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PubSubEmulator]:
    """Yield a running emulator of Google's; mark such tests ``needs("pubsub-emulator")``."""
    with run_pubsub_emulator(tmp_path_factory.mktemp("pubsub-emulator") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BigQueryEmulator]:
    """Yield a running BigQuery emulator; mark such tests ``needs("go")``.

    Each statement makes all later ones slower: 300 of them take one from 25 to 100 ms.
    """
    with run_bigquery_emulator(tmp_path_factory.mktemp("bigquery") / "log") as server:
        yield server


@pytest.fixture
def new_bigquery_emulator(tmp_path: Path) -> Iterator[BigQueryEmulator]:
    """Yield a BigQuery emulator of the test's own, which starts in 0.3 s."""
    with run_bigquery_emulator(tmp_path / "bigquery-emulator.log") as server:
        yield server


@pytest.fixture(scope="session")
def database_with_ledgers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of the BigQuery emulator's, with a dataset of empty tables and views.

    They take two seconds and forty statements to make, and a copy of the file takes neither.
    """
    folder = tmp_path_factory.mktemp("bigquery-ledgers")
    database = folder / "database"
    with (
        run_bigquery_emulator(folder / "log", database=database) as emulator,
        start_blocking_portal() as portal,  # a browser's event loop may run in this thread
    ):
        portal.call(make_ledgers, replace(emulator, dataset=LEDGERS_DATASET))
    return database


@pytest.fixture
def bigquery_with_ledgers(
    database_with_ledgers: Path, tmp_path: Path
) -> Iterator[BigQueryEmulator]:
    """Yield a BigQuery emulator of the test's own, whose dataset has all tables and views."""
    database = Path(shutil.copy(database_with_ledgers, tmp_path / "bigquery-emulator.db"))
    log = tmp_path / "bigquery-emulator.log"
    with run_bigquery_emulator(log, database=database, dataset=LEDGERS_DATASET) as server:
        yield server


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcsServer]:
    """Yield a running Cloud Storage server; mark such tests ``needs("go")``."""
    with run_gcs(tmp_path_factory.mktemp("gcs") / "log") as server:
        yield server
