"""A worker's sign of life: there while it works, gone after it, stale when it hangs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sightline.errors import ConfigurationError
from worker.heartbeat import age_s, beat, main


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing tells when a file is touched
        await asyncio.sleep(0.001)


@asynccontextmanager
async def beating(file: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(beat(file, every_s=0.001))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_the_file_is_there_while_the_worker_runs_and_gone_after(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    async with beating(file):
        await until(lambda: age_s(file, 0.0) is not None)
        os.utime(file, (0, 0))
        await until(lambda: age_s(file, 0.0) != 0.0)
    assert age_s(file, 0.0) is None


async def test_a_file_that_cannot_be_written_does_not_stop_the_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with beating(tmp_path / "no" / "folder"):
        await until(lambda: bool(caplog.records))
    assert "cannot be touched" in caplog.text


def test_health_is_told_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "heartbeat"
    assert main([str(file)]) == 1
    assert "has not started" in capsys.readouterr().err
    file.touch()
    assert main([str(file)]) == 0
    os.utime(file, (0, 0))
    assert main([str(file)]) == 1
    assert "is not responding" in capsys.readouterr().err


def test_age_is_since_the_last_touch(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    assert age_s(file, 100.0) is None
    file.touch()
    os.utime(file, (40, 40))
    assert age_s(file, 100.0) == 60.0


async def test_a_file_with_content_is_neither_touched_nor_removed(tmp_path: Path) -> None:
    file = tmp_path / "queue.db"
    file.write_bytes(b"a queue")
    with pytest.raises(ConfigurationError, match=r"worker\.heartbeat_file = .* of its own$"):
        await beat(file, every_s=0.001)
    assert file.read_bytes() == b"a queue"


async def test_a_file_that_a_killed_worker_left_is_used_again(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    file.touch()
    os.utime(file, (0, 0))
    async with beating(file):
        await until(lambda: age_s(file, 0.0) != 0.0)
    assert age_s(file, 0.0) is None
