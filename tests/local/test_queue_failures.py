"""The local queue on a full disk, a read-only folder, beside a stuck process, on a strange file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sightline.errors import ConfigurationError, SightlineError, StorageError, TransientError
from sightline.local.queue import LocalQueue, connection, statements
from sightline.ports import Outgoing
from tests.local.queue_rig import LEASE_S, fill, ids
from tests.waiting import GIVE_UP_S

ON_A_FULL_DISK = """
import asyncio, pathlib, resource, sys
from sightline.errors import StorageError
from sightline.local.queue import LocalQueue
from sightline.ports import Outgoing

async def main(path):
    batch = [Outgoing(bytes(1000), {"run_id": "r"})] * 100
    published = 0
    async with LocalQueue.open(path) as queue:
        await queue.publish(batch, batch_key="first")
        held = await queue.pull(50, lease_s=600)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        try:
            while True:
                published += await queue.publish(batch, batch_key=str(published))
        except StorageError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await queue.ack([one.lease_id for one in held])
    print(published + 50)

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


def assert_one_line_with_a_next_step(error: SightlineError, step: str) -> None:
    """Check the house rule for messages."""
    assert "\n" not in str(error)
    assert step in str(error).rpartition(";")[2]


async def test_a_disk_that_fills_up_loses_nothing_that_was_published(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    # The kernel refuses to let the files grow: the same refusal as a full disk, without one.
    completed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ON_A_FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=GIVE_UP_S,
    )
    assert completed.stderr == ""
    message, count = completed.stdout.splitlines()
    assert "disk" in message
    async with LocalQueue.open(path) as queue:
        assert (await queue.backlog()).ready == int(count)
        assert len(await queue.pull(10_000, lease_s=LEASE_S)) == int(count)


async def test_a_full_database_refuses_to_publish_and_still_settles(tmp_path: Path) -> None:
    async with LocalQueue.open(tmp_path / "queue.db") as queue:
        await fill(queue, 100)
        deliveries = await queue.pull(100, lease_s=LEASE_S)
        await queue._writing.run(lambda sqlite: sqlite.execute("PRAGMA max_page_count = 1"))
        with pytest.raises(StorageError) as caught:
            await fill(queue, 100, size=10_000)
        assert_one_line_with_a_next_step(caught.value, "free some space")
        await queue.ack(ids(deliveries))
        assert (await queue.backlog()).ready == 0


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        async with LocalQueue.open(tmp_path / "file" / "queue.db"):
            pass
    assert_one_line_with_a_next_step(caught.value, "name another folder")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder closed even to root")
async def test_a_read_only_folder_is_a_storage_error() -> None:
    with pytest.raises(StorageError) as caught:
        async with LocalQueue.open(Path("/sys/kernel/queue.db")):
            pass
    assert_one_line_with_a_next_step(caught.value, "can be written")


async def test_a_read_only_database_is_a_storage_error(tmp_path: Path) -> None:
    async with LocalQueue.open(tmp_path / "queue.db") as queue:
        await queue._writing.run(lambda sqlite: sqlite.execute("PRAGMA query_only = ON"))
        with pytest.raises(StorageError) as caught:
            await queue.publish([Outgoing(b"a", {})], batch_key="a")
        assert_one_line_with_a_next_step(caught.value, "writable")


async def test_a_folder_in_the_files_place_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "queue.db").mkdir()
    with pytest.raises(StorageError) as caught:
        async with LocalQueue.open(tmp_path / "queue.db"):
            pass
    assert_one_line_with_a_next_step(caught.value, "can be written")


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    path.write_text("these are a person's notes, and they are longer than SQLite's header is\n" * 9)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        async with LocalQueue.open(path):
            pass
    assert_one_line_with_a_next_step(caught.value, "move it away")
    assert path.read_bytes() == before


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        async with LocalQueue.open(path):
            pass
    assert_one_line_with_a_next_step(caught.value, "name another file")
    assert path.read_bytes() == before


async def test_a_queue_of_a_later_layout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue.db"
    async with LocalQueue.open(path):
        pass
    monkeypatch.setattr(statements, "SCHEMA_VERSION", 0)
    with pytest.raises(ConfigurationError) as caught:
        async with LocalQueue.open(path):
            pass
    assert_one_line_with_a_next_step(caught.value, "use the version")


async def test_a_damaged_file_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    async with LocalQueue.open(path) as queue:
        await fill(queue, 1000, size=500)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(StorageError) as caught:
        async with LocalQueue.open(path) as queue:
            await queue.pull(100, lease_s=LEASE_S)
    assert_one_line_with_a_next_step(caught.value, "--reconcile")


async def test_a_process_that_holds_the_file_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "queue.db"
    async with LocalQueue.open(path) as queue:
        await fill(queue, 1)
        stuck = sqlite3.connect(path, isolation_level=None)
        stuck.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError) as caught:
            await queue.pull(1, lease_s=LEASE_S)
        assert_one_line_with_a_next_step(caught.value, "try again")
        assert (await queue.backlog()).ready == 1
        stuck.close()
        assert len(await queue.pull(1, lease_s=LEASE_S)) == 1


def test_two_that_open_a_new_queue_at_once_do_not_take_it_for_a_stranger_s(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"

    class Interrupted(sqlite3.Connection):
        """Lets another process lay the file out between two looks at it."""

        others: ClassVar[list[threading.Thread]] = []

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "PRAGMA user_version" and not self.others:
                other = threading.Thread(target=lambda: connection.open_sqlite(path).close())
                self.others.append(other)
                other.start()
                other.join(1.0)  # for as long as it is not kept out
            return super().execute(statement, *values)

    mine = sqlite3.connect(path, factory=Interrupted, isolation_level=None, timeout=30.0)
    try:
        connection._prepare(mine, path)
        (tables,) = mine.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    finally:
        mine.close()
        for process in Interrupted.others:
            process.join()
    assert Interrupted.others
    assert tables > 0
