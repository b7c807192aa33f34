"""A queue of its own for each test, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue
from tests.local.queue_rig import Clock


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the queue is."""
    return tmp_path / "queue.db"


@pytest.fixture
async def queue(path: Path, clock: Clock) -> AsyncIterator[LocalQueue]:
    """Yield a new queue."""
    async with LocalQueue.open(path, now=clock) as opened:
        yield opened
