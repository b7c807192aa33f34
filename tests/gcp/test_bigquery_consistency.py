"""Lost runs and tasks of a dataset are reported and never deleted, on the BigQuery emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sightline.errors import StorageError
from sightline.gcp.bigquery.consistency import BigQueryConsistency
from tests.contracts.bigquery_rig import BigQueryRig, open_rig
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    answer_part,
    asking,
    observation,
    task,
    write_all,
)
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")
SPEC = task()
TASK = answer_part(SPEC)


@pytest.fixture
async def rig(bigquery_emulator: BigQueryEmulator) -> AsyncIterator[BigQueryRig]:
    async with open_rig(bigquery_emulator) as rig:
        await rig.warehouse.runs.remember_task(SPEC, now=NOW)
        await rig.warehouse.load([observation(number) for number in range(3)])
        await rig.warehouse.open(asking(TASK, EMBEDDING), "run-1")
        await write_all(rig.warehouse, (await rig.warehouse.items("run-1"))[:1])
        yield rig


async def faults(rig: BigQueryRig) -> list[str]:
    """Return the faults that are found."""
    return await BigQueryConsistency(rig.client).faults(thorough=True)


async def empty(rig: BigQueryRig, table: str) -> None:
    """Lose the rows of a table."""
    await rig.client.execute(f"DELETE FROM {rig.client.place.table(table)} WHERE true")


@pytest.mark.extended
async def test_a_complete_dataset_has_no_faults(rig: BigQueryRig) -> None:
    assert await faults(rig) == []


async def test_a_lost_table_of_runs_is_named_and_nothing_is_deleted(rig: BigQueryRig) -> None:
    await empty(rig, "runs")
    (fault,) = await faults(rig)
    assert fault.startswith("run run-1 is in ")
    assert "classifications" in fault
    assert "runs (BigQuery keeps its last seven days)" in fault
    with pytest.raises(StorageError, match=r"run-1 is in .*but not in the ledger runs"):
        await rig.warehouse.open(asking(TASK), "run-2")
    listed = await rig.client.value(f"SELECT COUNT(*) FROM {rig.client.place.table('work_items')}")
    assert listed == 3


@pytest.mark.extended
async def test_a_lost_version_of_a_task_is_named(rig: BigQueryRig) -> None:
    await empty(rig, "task_versions")
    (fault,) = await faults(rig)
    assert fault.startswith(f"task {SPEC.name} at {SPEC.fingerprint[:12]} is requested or answered")


@pytest.mark.extended
async def test_the_rows_of_a_killed_producer_are_no_fault(rig: BigQueryRig) -> None:
    await empty(rig, "classifications")
    for table in await rig.client.tables():
        if table.startswith("embeddings_demo") and not table.endswith("_all"):
            await empty(rig, table)
    await empty(rig, "runs")
    assert await faults(rig) == []
