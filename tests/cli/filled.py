"""Rows written by hand into either warehouse, so that both can be asked the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.tables import put_tables
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.local.warehouse import LocalRuns, LocalWriter
from sightline.ports import ResultRow
from sightline.tasks import TaskSpec
from tests.contracts.warehouse_rig import EMBEDDING, NOW
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.warehouse_rig import ONE_AT_A_TIME


async def fill_folder(root: Path, task: TaskSpec, rows: Sequence[ResultRow]) -> None:
    """Make a warehouse in a folder, with a task and these rows."""
    await LocalRuns(root, None).remember_task(task, now=NOW)
    await LocalWriter(root).write(rows)


async def fill_dataset(
    emulator: BigQueryEmulator, dataset: str, task: TaskSpec | None, rows: Sequence[ResultRow]
) -> None:
    """Make a dataset with a task and these rows; without a task it has nothing but its tables."""
    place = BigQueryPlace(
        emulator.project, dataset, endpoint=emulator.endpoint,
        storage_endpoint=emulator.storage_endpoint,
    )  # fmt: skip
    async with (
        BigQueryClient.open(place) as client,
        LedgerAppender.open(place, rule=ONE_AT_A_TIME) as appender,
    ):
        await put_tables(client, [EMBEDDING])
        if task is None:
            return
        await BigQueryRuns(client, appender).remember_task(task, now=NOW)
        await BigQueryWriter(appender, client).write(rows)
