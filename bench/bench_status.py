"""How long `status` takes over all runs: many small runs, and a few of a million parts.

Each run has its own files, as producers and workers leave them, and nothing is compacted. The
first call reads them all, and caches what it read; later calls read only what is new. `--check`
always reads the ledgers themselves.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.figures import Figure, report
from sightline.local.warehouse import LocalRuns
from sightline.local.warehouse.store import Store
from sightline.schema import (
    CLASSIFICATIONS,
    RUN_EVENTS,
    RUNS,
    WORK_ITEMS,
    Ledger,
    embeddings_ledger,
    parquet_schema,
)

EMBEDDINGS = embeddings_ledger("demo-1", 8)
ROWS_A_FILE = 2_000
"""About what a busy worker writes at a time."""
NOW = datetime(2026, 11, 1, tzinfo=UTC)
REQUEST = '{"parts": [], "buckets": 1, "range_items": 1000}'


@dataclass(frozen=True, slots=True)
class Shape:
    """So many runs, each of so many subjects with two parts."""

    name: str
    runs: int
    subjects: int
    goal_s: float

    @property
    def parts(self) -> int:
        """All parts of all runs."""
        return self.runs * self.subjects * 2


SHAPES = (
    Shape("10,000 runs of 20 parts", 10_000, 10, 2.0),
    Shape("50 runs of 20,000 parts", 50, 10_000, 3.0),
)


def run() -> list[Figure]:
    """Measure, and return the figures."""
    return [figure for shape in SHAPES for figure in measure(shape)]


def measure(shape: Shape) -> Iterator[Figure]:
    """Lay out a warehouse, and look at it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "warehouse"
        lay_out(root, shape)
        runs = LocalRuns(root, lambda _run_id: ())
        first_s = look_s(runs, shape, from_ledgers=False)
        later_s = min(look_s(runs, shape, from_ledgers=False) for _ in range(3))
        check_s = look_s(runs, shape, from_ledgers=True)
        kept_mb = sum(path.stat().st_size for path in (root / ".digest").iterdir()) / 1e6
    yield Figure(f"{shape.name}: a later look", later_s, "s", shape.goal_s, better="lower")
    yield Figure(f"{shape.name}: the first look", first_s, "s", better="lower")
    yield Figure(f"{shape.name}: --check", check_s, "s", better="lower")
    yield Figure(f"{shape.name}: what is remembered", kept_mb, "MB", better="lower")


def look_s(runs: LocalRuns, shape: Shape, *, from_ledgers: bool) -> float:
    """Return how long it takes to read the accounts of all runs."""
    began_s = time.perf_counter()

    async def look() -> tuple[int, int]:
        overview = await runs.overview(from_ledgers=from_ledgers)
        return len(overview.accounts), sum(account.balance.written for account in overview.accounts)

    assert asyncio.run(look()) == (shape.runs, shape.parts)
    return time.perf_counter() - began_s


def lay_out(root: Path, shape: Shape) -> None:
    """Write the files of runs whose parts are all written."""
    store = Store(root)
    for number in range(shape.runs):
        run_id = f"run-{number:06d}"
        subjects = [f"{run_id}-{number:06d}" for number in range(shape.subjects)]
        keys = [[digest(subject, "answer"), digest(subject, "embedding")] for subject in subjects]
        _write(
            store.work_list(run_id, 0),
            WORK_ITEMS,
            [
                {
                    "run_id": run_id, "bucket": 0, "seq": seq, "subject_id": subject,
                    "asset_type": "SIGN", "observations": "[{}]", "parts": "[]", "part_keys": both,
                }
                for seq, (subject, both) in enumerate(zip(subjects, keys, strict=True))
            ],
        )  # fmt: skip
        row = {"run_id": run_id, "request": REQUEST, "messages": shape.subjects,
               "parts": 2 * shape.subjects, "created_at": NOW}  # fmt: skip
        _append(store, RUNS, [row])
        event = {"run_id": run_id, "event": "range_published", "bucket": 0, "start": 0,
                 "stop": shape.subjects, "at": NOW}  # fmt: skip
        _append(store, RUN_EVENTS, [event])
        for first in range(0, shape.subjects, ROWS_A_FILE):
            some = list(zip(subjects, keys, strict=True))[first : first + ROWS_A_FILE]
            answers = [_result(run_id, subject, both[0]) for subject, both in some]
            vectors = [_result(run_id, subject, both[1]) for subject, both in some]
            _append(
                store,
                CLASSIFICATIONS,
                [
                    {**answer, "task": "t", "fingerprint": "f", "model": "m", "answer": "{}"}
                    for answer in answers
                ],
            )
            _append(
                store,
                EMBEDDINGS,
                [
                    {**vector, "model": "m", "dimension": 8, "embedding": [0.0] * 8}
                    for vector in vectors
                ],
            )


def digest(subject: str, kind: str) -> str:
    """Return a part's key."""
    return hashlib.sha256(f"{subject}{kind}".encode()).hexdigest()


def _result(run_id: str, subject: str, key: str) -> dict[str, object]:
    return {
        "part_key": key, "subject_id": subject, "observation_id": subject, "input_tokens": 500,
        "output_tokens": 50, "cost_usd_micros": 300, "latency_ms": 900, "attempt": 1,
        "run_id": run_id, "worker_id": "w", "written_at": NOW,
    }  # fmt: skip


def _append(store: Store, ledger: Ledger, rows: list[dict[str, object]]) -> None:
    path = store.folder(ledger) / f"date={NOW.date()}" / f"{store.new_id()}.parquet"
    _write(path, ledger, rows)


def _write(path: Path, ledger: Ledger, rows: list[dict[str, object]]) -> None:
    """Write a file without waiting for the disk, as nobody is to trust it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, parquet_schema(ledger)), path)


if __name__ == "__main__":
    report("status", run())
