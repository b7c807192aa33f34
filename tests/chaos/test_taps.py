"""What is put in between a process and its ports acts at the call it is meant for alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import TransientError
from sightline.ports import BudgetEvent, BudgetEventKind
from tests.chaos.clock import Clock
from tests.chaos.plan import Death, Point, RefusedWrites
from tests.chaos.taps import Diary, Fate, Tapped


class Killed(BaseException):
    """Stands for the end of the process."""


class Port:
    """A port that remembers what it was asked for."""

    name = "a port"

    def __init__(self) -> None:
        self.batches: list[Any] = []

    async def write(self, rows: Sequence[Any]) -> None:
        """Remember the rows."""
        self.batches.append(list(rows))

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        """Remember the events."""
        self.batches.append(list(events))


@pytest.fixture(autouse=True)
def _kills_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        assert (pid, number) == (os.getpid(), signal.SIGKILL)
        raise Killed

    monkeypatch.setattr(os, "kill", kill)


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path / "diary.jsonl")


def _noted(diary: Diary) -> list[str]:
    return [json.loads(line)["what"] for line in diary.path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("point", "written"),
    [(Point.BEFORE_WRITE, [[1]]), (Point.AMID_WRITE, [[1], []]), (Point.AFTER_WRITE, [[1], [2]])],
)
async def test_a_process_dies_at_its_nth_call_and_says_so(
    diary: Diary, point: Point, written: list[Any]
) -> None:
    port = Port()
    results: Any = Tapped(port, "results", Fate(diary, Death(point, 2)))
    await results.write([1])
    with pytest.raises(Killed):
        await results.write([2])
    assert port.batches == written  # amid a write, what is no classification is not written yet
    assert _noted(diary) == ["died"]


async def test_only_reservations_count_as_such(diary: Diary) -> None:
    budgets: Any = Tapped(Port(), "budgets", Fate(diary, Death(Point.AFTER_RESERVATION, 1)))
    at = datetime(2026, 5, 1, tzinfo=UTC)
    released = BudgetEvent("e", "r", BudgetEventKind.RELEASED, "w", 1, 1, at)
    await budgets.record([released])
    with pytest.raises(Killed):
        await budgets.record([BudgetEvent("f", "r", BudgetEventKind.RESERVED, "w", 1, 1, at)])


@pytest.mark.parametrize(("durable", "written"), [(True, [[1], [2], [3]]), (False, [[1], [3]])])
async def test_writes_are_refused_before_or_after_they_are_durable(
    diary: Diary, durable: bool, written: list[Any]
) -> None:
    port = Port()
    results: Any = Tapped(port, "results", Fate(diary, refused=RefusedWrites(2, 2, durable)))
    await results.write([1])
    with pytest.raises(TransientError):
        await results.write([2])
    await results.write([3])
    assert port.batches == written
    assert _noted(diary) == ["refused"]


async def test_what_has_no_fate_passes(diary: Diary) -> None:
    port: Any = Tapped(Port(), "results", Fate(diary))
    await port.write([1])
    assert port.name == "a port"
    assert not diary.path.exists()


def test_a_clock_jumps_for_all_who_have_it(tmp_path: Path) -> None:
    clock, other = Clock(tmp_path / "clock"), Clock(tmp_path / "clock")
    clock.jump(-7200)
    clock.jump(3600)
    off_s = (datetime.now(UTC) - other.now()).total_seconds()
    assert 3599 < off_s < 3601
    ahead = other.skewed(3600, after_s=0.0)
    assert abs((ahead() - datetime.now(UTC)).total_seconds()) < 1
