"""A check over nothing is not a pass: ledgers that lost runs or tasks are told by the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Shown
from tests.cli.test_restores import NOOP, refused
from tests.shared.unopened import write_unopened

SUBJECTS = 6


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sightline: Command) -> Path:
    """Return a home with a run that is queued."""
    for name, value in NOOP.items():
        monkeypatch.setenv(name, value)
    write_unopened(tmp_path / "observations.csv", SUBJECTS, bucket="bucket")
    sightline("import", "observations.csv")
    sightline("enqueue", "--limit", "3")
    return tmp_path / ".sightline"


def the_fault(sightline: Command) -> str:
    """Return the one fault for which a check fails."""
    status = sightline("status", "--check", code=1)
    assert not status["holds"]
    (fault,) = status["faults"]
    return str(fault)


def test_a_lost_ledger_of_runs_is_named_while_messages_are_queued(
    home: Path, sightline: Command, shown: Shown
) -> None:
    shutil.rmtree(home / "warehouse" / "runs")
    fault = the_fault(sightline)
    assert "is in the queue, the work lists and run_events but not in the ledger runs" in fault
    assert fault.endswith("/runs back from a backup")
    code, out, err = shown("status", "--check")
    assert (code, out) == (1, "")
    assert fault in err
    assert "not in the ledger runs" in refused(shown, "work", "--drain")


def test_a_lost_ledger_of_runs_is_named_after_the_work_is_done(
    home: Path, sightline: Command
) -> None:
    sightline("work", "--drain")
    shutil.rmtree(home / "warehouse" / "runs")
    fault = the_fault(sightline)
    assert "classifications" in fault
    assert "embeddings" in fault


def test_what_a_lost_run_listed_is_never_cleared_as_a_leftover(
    home: Path, sightline: Command, shown: Shown
) -> None:
    sightline("work", "--drain")
    backup = home.parent / "runs"
    shutil.move(home / "warehouse" / "runs", backup)
    lists = sorted((home / "warehouse" / "work_items").rglob("*"))
    assert "not in the ledger runs" in refused(shown, "enqueue")
    assert sorted((home / "warehouse" / "work_items").rglob("*")) == lists
    shutil.rmtree(home / "warehouse" / "runs", ignore_errors=True)
    shutil.move(backup, home / "warehouse" / "runs")
    assert sightline("status", "--check")["holds"]


def test_a_lost_version_of_a_task_is_named(home: Path, sightline: Command, shown: Shown) -> None:
    aside = (home / "warehouse" / "task_versions").rename(home / "aside")
    fault = the_fault(sightline)
    assert "task film_posters at " in fault
    assert "is requested or answered but not in the ledger task_versions" in fault
    assert "not in the ledger task_versions" in refused(shown, "work", "--drain")
    aside.rename(home / "warehouse" / "task_versions")
    sightline("work", "--drain")
    (home / "warehouse" / "task_versions").rename(aside)
    assert "task_versions" in the_fault(sightline)


def test_what_a_killed_producer_left_is_no_fault(home: Path, sightline: Command) -> None:
    (there,) = (home / "warehouse" / "work_items").iterdir()
    shutil.copytree(there, there.with_name("run=killed"))
    assert sightline("status", "--check")["faults"] == []


def test_a_message_of_a_stranger_is_named_and_stops_nobody(home: Path, sightline: Command) -> None:
    put_into_the_queue(home, b"not a message", run_id="strange")
    assert "run strange is in the queue but not in the ledger runs" in the_fault(sightline)
    assert sightline("work", "--drain")["dead"] == {"bad_message": 1}
    assert sightline("status", "--check")["faults"] == []


def put_into_the_queue(home: Path, body: bytes, *, run_id: str) -> None:
    """Publish a message that no producer made."""
    import asyncio

    from sightline.local.queue import LocalQueue
    from sightline.ports import Outgoing

    async def put() -> None:
        async with LocalQueue.open(home / "queue.db") as queue:
            await queue.publish([Outgoing(body, {"run_id": run_id})], batch_key="strange")

    asyncio.run(put())
