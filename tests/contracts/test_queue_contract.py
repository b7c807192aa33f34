"""The queues that keep the queue contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue
from tests.contracts.queue_suite import QueueContract, QueueRig


class TestLocalQueue(QueueContract):
    """SQLite, with a clock that only the test moves."""

    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[QueueRig]:
        """Yield a new queue."""
        time_s = [1_700_000_000.0]

        def advance(seconds: float) -> None:
            time_s[0] += seconds

        opened = LocalQueue.open(tmp_path / "queue.db", now=lambda: time_s[0], backstop_attempts=3)
        async with opened as queue:
            yield QueueRig(queue, queue, queue, advance, backstop_attempts=3)
