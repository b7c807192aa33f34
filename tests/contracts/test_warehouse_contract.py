"""The local warehouse passes the suites of its ports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain, count
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.local.warehouse import (
    LocalDeadLetters,
    LocalLedgers,
    LocalRuns,
    LocalSearch,
    LocalSource,
    LocalWriter,
)
from sightline.model import Observation
from sightline.schema import OBSERVATIONS, parquet_schema
from tests.contracts.ledgers_suite import LedgersContract
from tests.contracts.runs_suite import RunsContract
from tests.contracts.search_suite import SearchContract
from tests.contracts.source_suite import SourceContract
from tests.contracts.warehouse_rig import NOW, WarehouseRig

SOURCE_SCHEMA = pa.schema(
    [
        *(
            column
            for column in parquet_schema(OBSERVATIONS)
            if column.name not in {"run_id", "written_at"}
        ),
        pa.field("imported_at", pa.timestamp("us", tz="UTC")),
    ]
)


def import_observations(source: Path, observations: Sequence[Observation], number: int) -> None:
    """Write a file into the source folder, as the importer does."""
    source.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            **{name: getattr(image, name) for name in SOURCE_SCHEMA.names if name != "imported_at"},
            "bbox": orjson.dumps(image.bbox).decode() if image.bbox else None,
            "camera_pose": orjson.dumps(image.camera_pose).decode() if image.camera_pose else None,
            "imported_at": NOW + timedelta(seconds=number),
        }
        for image in observations
    ]
    pq.write_table(pa.Table.from_pylist(rows, SOURCE_SCHEMA), source / f"{number:06d}.parquet")


def local_rig(home: Path, *, sees_queue: bool = True) -> WarehouseRig:
    """Return a rig over a folder, beside a queue that can be looked into or not."""
    root, numbers = home / "warehouse", count()
    queued: dict[str, list[bytes]] = {}

    async def load(observations: Sequence[Observation]) -> None:
        import_observations(home / "source", observations, next(numbers))

    def queued_bodies(run_id: str | None) -> Iterator[bytes]:
        runs = [*queued] if run_id is None else [run_id]
        return chain.from_iterable(queued.get(run_id, []) for run_id in runs)

    return WarehouseRig(
        source=LocalSource(root, home / "source", buckets=2, range_items=3),
        writer=LocalWriter(root),
        ledgers=LocalLedgers(root),
        runs=LocalRuns(root, queued_bodies if sees_queue else None),
        dead_letters=LocalDeadLetters(root),
        search=LocalSearch(root),
        load=load,
        queued=queued,
        sees_queue=sees_queue,
    )


@pytest.fixture
def rig(tmp_path: Path) -> WarehouseRig:
    """Return an empty warehouse, in a folder whose name is full of wildcards."""
    return local_rig(tmp_path / "höme [1] *?'")


class TestLocalSource(SourceContract):
    """The imported table, and the work lists drawn from it."""


class TestLocalLedgers(LedgersContract):
    """What workers write and read."""


class TestLocalRuns(RunsContract):
    """What people look after."""


class TestLocalRunsBesideAClosedQueue(RunsContract):
    """What people look after where the queue is Pub/Sub."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> WarehouseRig:
        """Return an empty warehouse."""
        return local_rig(tmp_path, sees_queue=False)


class TestLocalSearch(SearchContract):
    """Search by numpy and faiss."""
