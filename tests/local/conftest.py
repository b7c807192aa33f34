"""A queue of its own for each test, on a clock that the test moves; indexes that are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.local.queue import LocalQueue
from sightline.local.vectors import FaissIndex
from tests.local.queue_rig import Clock
from tests.local.tables import Folder

Array = NDArray[np.float32]


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


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how many indexes are trained."""
    counts: list[int] = []
    real = FaissIndex.build.__func__  # type: ignore[attr-defined]  # a classmethod's function

    def counting(cls: type[FaissIndex], /, vectors: Array, **options: object) -> FaissIndex:
        counts.append(len(vectors))
        index: FaissIndex = real(cls, vectors, **options)
        return index

    monkeypatch.setattr(FaissIndex, "build", classmethod(counting))
    return counts


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder with tables to be imported."""
    return Folder(tmp_path)
