"""Ledgers as folders of files: what counts, what is refused, what compaction does to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.errors import BusyError, ConfigurationError, NotFoundError, StorageError
from sightline.local.warehouse import (
    LocalLedgers,
    LocalRuns,
    LocalSource,
    LocalWriter,
    compact,
    compact_all,
    connect,
    lineage,
    store,
)
from sightline.local.warehouse.engine import DuckDbEngine, Session
from sightline.local.warehouse.locks import lock_now
from sightline.local.warehouse.manifest import read_manifest
from sightline.local.warehouse.store import Store
from sightline.local.warehouse.time_ordered import time_ordered_id
from sightline.ports import ClassificationRow
from sightline.schema import CLASSIFICATIONS, RUN_EVENTS
from tests.contracts.warehouse_rig import EMBEDDING, NOW, asking
from tests.local.warehouse_crew import PART, answer

KEY = PART.key("a")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where the warehouse is."""
    return tmp_path / "warehouse"


async def write(root: Path, *subjects: str, at: datetime = NOW, worker_id: str = "w") -> None:
    """Append one file of answers."""
    rows: Sequence[ClassificationRow] = [
        answer(subject, at=at, worker_id=worker_id) for subject in subjects
    ]
    await LocalWriter(root).write(rows)


def ask(root: Path, select: str) -> list[tuple[object, ...]]:
    """Return the rows of a query over the views."""
    connection = connect(root)
    try:
        return connection.execute(select).fetchall()
    finally:
        connection.close()


def files(root: Path, ledger: str = "classifications") -> list[str]:
    """Return the Parquet files of a ledger, sorted."""
    folder = root / ledger
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))


def unfinished_output(root: Path) -> Path:
    """Leave the output of a compaction that is killed before it replaces the manifest."""
    folder = root / "classifications"
    inputs = files(root)
    table = pq.read_table([folder / name for name in inputs], partitioning=None)
    named = {lineage.INPUTS_KEY: lineage.inputs_json(inputs)}
    output = folder / inputs[0].rpartition("/")[0] / "killed.g1.compacted.parquet"
    pq.write_table(table.replace_schema_metadata(named), output)
    return output


async def test_rows_lie_in_the_partition_of_their_utc_date(root: Path) -> None:
    rows = [answer("a", at=NOW), answer("b", at=NOW - timedelta(days=1))]
    await LocalWriter(root).write(rows)
    assert [path.partition("/")[0] for path in files(root)] == [
        "date=2026-05-03",
        "date=2026-05-04",
    ]
    assert ask(root, "SELECT subject_id FROM classifications ORDER BY 1") == [("a",), ("b",)]


async def test_a_file_holds_the_columns_of_its_ledger(root: Path) -> None:
    await write(root, "a")
    schema = pq.read_schema(root / "classifications" / files(root)[0])
    assert tuple(schema.names) == CLASSIFICATIONS.column_names()
    assert schema.field("written_at").type == pa.timestamp("us", tz="UTC")


async def test_files_that_are_being_written_do_not_count(root: Path) -> None:
    await write(root, "a")
    day = root / "classifications" / "date=2026-05-04"
    (day / "half.parquet.tmp").write_bytes(b"PAR1")
    unfinished_output(root)
    assert ask(root, "SELECT count(*) FROM classifications") == [(1,)]


@pytest.mark.parametrize("content", [b"", b"not parquet", b"PAR1" + b"\0" * 64])
async def test_a_damaged_file_is_named(root: Path, content: bytes) -> None:
    await write(root, "a")
    (root / "classifications" / "date=2026-05-04" / "zz.parquet").write_bytes(content)
    with pytest.raises(StorageError, match=r"zz\.parquet is not a file .* move it out .*again$"):
        await LocalLedgers(root).written([KEY])


async def test_a_file_of_another_table_is_named(root: Path) -> None:
    await write(root, "a")
    foreign = root / "classifications" / "foreign.parquet"
    pq.write_table(pa.table({"part_key": [KEY]}), foreign)
    with pytest.raises(StorageError, match=r"foreign\.parquet .*lacks the column"):
        await LocalRuns(root, lambda _run_id: []).cost("run-1")


async def test_a_damaged_file_of_the_source_is_named(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    pq.write_table(pa.table({"observation_id": ["a"]}), tmp_path / "source" / "mine.parquet")
    source = LocalSource(tmp_path / "warehouse", tmp_path / "source")
    with pytest.raises(StorageError, match=r"mine\.parquet .*asset_id.*sightline import"):
        await source.preview(asking(EMBEDDING))


async def test_a_damaged_manifest_is_named(root: Path) -> None:
    await write(root, "a")
    (root / "classifications" / "manifest.json").write_text("{")
    with pytest.raises(StorageError, match=r"manifest\.json is damaged"):
        await LocalLedgers(root).written([KEY])


async def test_a_file_in_the_way_is_named_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("I am a file")
    with pytest.raises(StorageError, match=r"warehouse: File exists; move the file .*again$"):
        await write(tmp_path / "warehouse", "a")


def test_a_path_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--home"):
        Store(tmp_path / os.fsdecode(b"\xff"))


async def test_compaction_leaves_one_file_and_the_earliest_row_of_a_part(root: Path) -> None:
    await write(root, "a", "b", at=NOW, worker_id="late")
    await write(root, "a", "c", at=NOW - timedelta(hours=1), worker_id="early")
    report = compact(root, CLASSIFICATIONS, now=NOW + timedelta(days=1))
    assert (report.partitions, report.files_before, report.files_after) == (1, 2, 1)
    assert (report.rows, report.duplicates) == (3, 1)
    expected = [("a", "early"), ("b", "late"), ("c", "early")]
    select = "SELECT subject_id, worker_id FROM {} ORDER BY 1"
    assert ask(root, select.format("classifications")) == expected
    assert ask(root, select.format("classifications_all")) == expected


async def test_what_was_paid_twice_still_costs_twice_after_compaction(root: Path) -> None:
    await write(root, "a", at=NOW, worker_id="one")
    await write(root, "a", at=NOW, worker_id="one")  # the same call, written again
    await write(root, "a", at=NOW, worker_id="two")
    compact(root, CLASSIFICATIONS, now=NOW + timedelta(days=1))
    select = "SELECT input_tokens, output_tokens, cost_usd_micros FROM classifications"
    assert ask(root, select) == [(2, 2, 2)]


async def test_compaction_leaves_today_alone_unless_told_otherwise(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    assert compact(root, CLASSIFICATIONS, now=NOW).partitions == 0
    assert compact(root, CLASSIFICATIONS, now=NOW, everything=True).partitions == 1
    assert compact(root, CLASSIFICATIONS, now=NOW, everything=True).partitions == 0


async def test_rows_appended_to_a_compacted_partition_count_and_are_compacted(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    await write(root, "a", "c")
    assert ask(root, "SELECT subject_id FROM classifications_all ORDER BY 1") == [
        ("a",),
        ("b",),
        ("c",),
    ]
    report = compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    assert (report.files_before, report.files_after, report.rows, report.duplicates) == (2, 1, 3, 1)


async def test_replaced_files_are_kept_for_a_grace_period(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    assert len(files(root)) == 3
    soon = compact(root, CLASSIFICATIONS, now=NOW + timedelta(minutes=9), everything=True)
    assert (soon.deleted, len(files(root))) == (0, 3)
    late = compact(root, CLASSIFICATIONS, now=NOW + timedelta(minutes=11), everything=True)
    assert (late.deleted, len(files(root))) == (2, 1)
    assert not read_manifest(root / "classifications").superseded
    assert ask(root, "SELECT count(*) FROM classifications") == [(2,)]


async def test_a_snapshot_taken_before_a_compaction_stays_readable(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    before = Store(root).snapshot(CLASSIFICATIONS)
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    assert sum(pq.read_metadata(path).num_rows for path in before.files) == 2


@pytest.mark.parametrize("step", ["relative_files", "read_manifest"])
async def test_a_compaction_between_the_steps_of_a_snapshot_hides_and_doubles_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await write(root, "a")
    await write(root, "b")
    await write(root, "c", at=NOW - timedelta(days=1))
    real = getattr(store, step)
    turns = iter([NOW, NOW + timedelta(minutes=11)])

    def step_then_compact(folder: Path) -> object:
        listed = real(folder) if step == "read_manifest" else list(real(folder))
        for now in list(turns):  # the second one deletes what the first replaced
            compact(root, CLASSIFICATIONS, now=now, everything=True)
        return listed

    monkeypatch.setattr(store, step, step_then_compact)

    def look(session: Session) -> list[tuple[object, ...]]:
        session.attach(CLASSIFICATIONS)
        return session.rows("SELECT subject_id FROM classifications ORDER BY 1")

    assert DuckDbEngine(root).read_now(look) == [("a",), ("b",), ("c",)]
    assert next(turns, None) is None
    assert len(files(root)) == 2


async def test_old_temporary_files_and_unnamed_outputs_are_cleared(root: Path) -> None:
    await write(root, "a")
    day = root / "classifications" / "date=2026-05-04"
    for name in ("old.parquet.tmp", "new.parquet.tmp"):
        (day / name).write_bytes(b"half")
    unfinished_output(root)
    os.utime(day / "old.parquet.tmp", (0, 0))
    assert compact(root, CLASSIFICATIONS, now=NOW).deleted == 2
    assert {path.name for path in day.glob("*.tmp")} == {"new.parquet.tmp"}
    assert len(files(root)) == 1


def test_what_killed_queries_spilled_is_cleared(root: Path) -> None:
    for name in (".spill-old", ".spill-new"):
        (root / name).mkdir(parents=True)
        (root / name / "duckdb_temp_block-1.block").write_bytes(b"rows")
    os.utime(root / ".spill-old", (0, 0))
    compact_all(root, now=NOW)
    assert [path.name for path in root.glob(".spill-*")] == [".spill-new"]


async def test_one_compaction_at_a_time(root: Path) -> None:
    await write(root, "a")
    with lock_now(root / "classifications" / ".compact.lock", "held"), pytest.raises(BusyError):
        compact(root, CLASSIFICATIONS, now=NOW)


async def test_compacting_a_ledger_without_a_key_keeps_each_row_once(root: Path) -> None:
    row = {"run_id": "run-1", "event": "range_published", "bucket": 0, "start": 0, "stop": 3}
    for stop in (3, 3, 4):
        Store(root).append_rows([{**row, "stop": stop, "at": NOW}], RUN_EVENTS)
    done = {report.ledger: report for report in compact_all(root, now=NOW, everything=True)}
    assert (done["run_events"].rows, done["run_events"].duplicates) == (2, 1)
    assert set(done) >= {"classifications", "observations", "dead_letters", "runs"}


def test_an_empty_warehouse_compacts_to_nothing(root: Path) -> None:
    assert all(report.partitions == 0 for report in compact_all(root, now=NOW))


def test_names_of_files_are_in_the_order_of_their_making() -> None:
    names = [time_ordered_id() for _ in range(1000)]
    stamps = [int(name.replace("-", "")[:12], 16) for name in names]
    assert stamps == sorted(stamps)
    assert len(set(names)) == 1000
    now_ms = datetime.now(UTC).timestamp() * 1000
    assert abs(stamps[-1] - now_ms) < 60_000


async def test_a_vanished_run_is_told_apart_from_an_empty_warehouse(tmp_path: Path) -> None:
    source = LocalSource(tmp_path / "warehouse", tmp_path / "source")
    with pytest.raises(NotFoundError):
        await source.unpublished("gone")
