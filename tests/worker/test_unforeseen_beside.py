"""Tasks that run beside other work: what ends one of them, unforeseen, is reported at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import EXIT_INTERNAL, main
from sightline.cli.watching import work_watch
from sightline.ports import BudgetEvent, Limits
from sightline.vision.serving.batching import MicroBatcher
from tests.telemetry.rig import settings, worker_status
from tests.worker.scripted_batches import COST, SIGNS, FakeBudgets, Script, answered, engine
from worker.leaser import Leaser
from worker.telemetry.opening import open_telemetry
from worker.telemetry.readers import WithHistograms


class UnforeseenError(Exception):
    """What no part of the program knows."""


async def test_a_renewal_that_fails_ends_the_statement_loop_and_writes_nothing_away() -> None:
    class Broken(FakeBudgets):
        async def record(self, events: Sequence[BudgetEvent]) -> None:
            if any(event.cost_usd_micros == 0 for event in events):
                raise UnforeseenError
            await super().record(events)

    class Long(Script):
        async def ask(self, batch: Any, parts: int) -> Any:
            await asyncio.Event().wait()

    script = Long({SIGNS: 30}, deque([answered(30)]))
    async with asyncio.timeout(10):
        with pytest.raises(UnforeseenError):
            await engine(script, budgets=Broken(Limits(cost_usd_micros=30 * COST))).work()
    assert "discard" not in script.steps


async def test_who_waits_for_a_batch_hears_what_ended_the_batches() -> None:
    async def encode(items: Sequence[int]) -> Sequence[int]:
        return items

    batcher = MicroBatcher(encode, batch_size=2, linger_s=0.0)

    async def fails() -> list[Any]:
        await batcher._arrived.wait()
        raise UnforeseenError

    batcher._next_batch = fails  # type: ignore[method-assign]  # a fault in it
    running = asyncio.create_task(batcher.run())
    with pytest.raises(UnforeseenError):
        await batcher.submit(1)
    with pytest.raises(UnforeseenError):
        await batcher.submit(2)
    with pytest.raises(UnforeseenError):
        await running


async def test_a_watch_whose_reader_has_gone_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = asyncio.Event()

    def show(*_: object) -> None:
        raise BrokenPipeError

    async def count(*_: object) -> bool:
        return True

    monkeypatch.setattr(work_watch, "_count_queue", count)
    monkeypatch.setattr(work_watch, "print_nowhere", gone.set)
    watching = asyncio.create_task(work_watch.watch_work(show, worker_status(), None))  # type: ignore[arg-type]  # not asked
    await gone.wait()
    await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()
    await asyncio.wait([watching])
    assert watching.cancelled()


async def test_a_reader_of_metrics_that_fails_in_its_thread_is_heard_of() -> None:
    class Nothing:
        class backlog:  # noqa: N801 - stands for an attribute
            @staticmethod
            async def backlog(run_id: str | None = None) -> Any:
                await asyncio.Event().wait()

    def fails() -> Any:
        raise UnforeseenError

    with open_telemetry(settings(prometheus_port=0), worker_id="w") as telemetry:
        (reader,) = telemetry.readers
        assert isinstance(reader, WithHistograms)
        histograms, reader.histograms = reader.histograms, fails
        watching = asyncio.create_task(telemetry.watch(worker_status(), Nothing))  # type: ignore[arg-type]  # its backlog alone
        with pytest.raises(UnforeseenError):
            await asyncio.to_thread(reader.collect)
        async with asyncio.timeout(10):
            with pytest.raises(ExceptionGroup) as raised:
                await watching
        assert raised.group_contains(UnforeseenError)
        reader.histograms = histograms


@pytest.mark.parametrize("debug", [False, True])
def test_a_worker_that_ends_so_says_why_in_one_line(
    debug: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fails(self: Leaser) -> None:
        raise UnforeseenError("nobody\nforesaw it")

    monkeypatch.setattr(Leaser, "run", fails)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_MODELS__CLASSIFY", "noop")
    monkeypatch.setenv("SIGHTLINE_MODELS__EMBED", "noop")
    if debug:
        with pytest.raises(Exception, match="the leaser failed") as raised:
            main(["--debug", "work"])
        assert isinstance(raised.value.__cause__, UnforeseenError)
        return
    assert main(["work"]) == EXIT_INTERNAL
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("sightline: internal error: the leaser failed (UnforeseenError: nobody")
    assert error.endswith("report what `sightline --debug work` prints")
