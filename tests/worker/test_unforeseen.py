"""An exception that nobody foresaw, in each part of a worker: it stops, and nothing is lost.

What is held is given back, what is paid for is written, and a worker that comes after pays nothing
twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sightline.errors import InternalError, PermanentError, Reason, TransientError
from sightline.model import Usage
from sightline.ports import Delivery
from sightline.settings import LimitSettings
from tests.worker.signs import ANSWER, EMBED, message
from tests.worker.world import FAST, FakeModels, World
from worker.limiting import Sample, StaticLimiter

MESSAGES = range(6)
QUICK = replace(FAST, lease_s=0.02, grace_s=30.0)


class UnforeseenError(Exception):
    """What no part of the program knows."""


@dataclass
class Fault:
    """Fails wherever it is put, every time or after so many calls, and remembers that it did."""

    after: int = 0
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self, *_: object, **__: object) -> Any:
        self.after -= 1
        if self.after < 0:
            self.happened.set()
            raise UnforeseenError("nobody\nforesaw it")

    async def later(self, *arguments: object, **options: object) -> Any:
        self.now()

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call that works until the fault is due."""

        async def either(*arguments: object, **options: object) -> Any:
            self.now()
            return await call(*arguments, **options)

        return either


Break = Callable[[World, Fault], None]


def the_leaser(world: World, fault: Fault) -> None:
    world.queue.extend = fault.later  # type: ignore[method-assign]  # as all of these


def the_watch_on_cancelled_runs(world: World, fault: Fault) -> None:
    world.store.cancelled_runs = fault.before(world.store.cancelled_runs)  # type: ignore[method-assign]
    fault.after = 1


def the_collector(world: World, fault: Fault) -> None:
    async def later(max_messages: int) -> Sequence[Delivery]:
        await world.queue.until(lambda: bool(world.queue.acked))
        return fault.now()  # type: ignore[no-any-return]

    world.queue.collect_backstop = later  # type: ignore[method-assign]


def the_writer(world: World, fault: Fault) -> None:
    world.queue.ack = fault.later  # type: ignore[method-assign]


def the_intake(world: World, fault: Fault) -> None:
    world.queue.pull = fault.before(world.queue.pull)  # type: ignore[method-assign]
    fault.after = 1


def the_handling(world: World, fault: Fault) -> None:
    """Fail in the call about one image."""

    async def classify(subject: str) -> None:
        if subject == "o3":
            fault.now()
        await fault.happened.wait()

    world.models.on_classify = classify


class Raising:
    """A meter that fails."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def answered(self, usage: Usage, latency_s: float) -> None:
        self._fault.now()

    def failed(self, error: BaseException, latency_s: float) -> None:
        self._fault.now()


def the_meter(world: World, fault: Fault) -> None:
    world.meter = Raising(fault)


class Leaky(StaticLimiter):
    """A limiter that fails when a permit is given back."""

    fault: Fault

    def release(self, sample: Sample) -> None:
        super().release(sample)
        self.fault.now()


def the_limiter(world: World, fault: Fault) -> None:
    def limiter(limit: LimitSettings) -> StaticLimiter:
        leaky = Leaky(limit)
        leaky.fault = fault
        return leaky

    world.limiter = limiter


def the_budgets(world: World, fault: Fault) -> None:
    world.ledger.before_states = fault.now
    fault.after = 1


PARTS: dict[str, Break] = {
    "the leaser": the_leaser,
    "the check for cancelled runs": the_watch_on_cancelled_runs,
    "the reader of the dead-letter topic": the_collector,
    "the writer": the_writer,
    "the message intake": the_intake,
    "the message handler": the_handling,
}
IN_A_CALL: dict[str, Break] = {
    "the meter": the_meter,
    "the limiter": the_limiter,
}


def a_world(fault: Fault) -> World:
    """Return a world in which the answer about one image takes until the fault is there."""

    async def classify(subject: str) -> None:
        if subject == "o1":
            await fault.happened.wait()

    return World(settings=QUICK, models=FakeModels(on_classify=classify))


async def stops(world: World, part: str, **how: Any) -> InternalError:
    """Run a worker until it stops by itself; return what it says."""
    world.put(*MESSAGES)
    world.queue.redeliver = False
    async with asyncio.timeout(20):
        with pytest.raises(InternalError) as raised:
            await world.runner().run(**how)
    error = str(raised.value)
    assert error.startswith(f"internal error: {part} ")
    assert "\n" not in error
    assert raised.value.exit_code == 70
    assert world.queue.leased == {}, "all of it is given back"
    return raised.value


async def nothing_is_paid_twice(before: World) -> None:
    """Let a worker come after, in a world that is well, and check what was paid."""
    world = World(store=replace_store(before), models=FakeModels(paid=before.models.paid))
    for number in MESSAGES:
        world.put(number, attempt=2)
    await world.runner().run(drain=True)
    keys = {key for number in MESSAGES for key in message(number).part_keys()}
    assert {row.part_key for row in world.store.results()} == keys
    assert world.store.dead() == []
    twice = {what: count for what, count in Counter(world.models.paid).items() if count > 1}
    assert twice == before_twice(before)


def replace_store(before: World) -> Any:
    """Return a store that is well, with the rows of the one before."""
    fresh = World().store
    fresh.rows = before.store.rows
    return fresh


def before_twice(before: World) -> dict[tuple[str, str], int]:
    """Return what has to be paid again: a call that failed itself gave nothing to keep."""
    return (
        {("classify", "o3"): 2}
        if before.models.on_classify.__qualname__.startswith("the_handling")
        else {}
    )


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("drain", [False, True])
async def test_a_part_that_fails_stops_the_worker_which_gives_back_what_it_holds(
    part: str, drain: bool
) -> None:
    fault = Fault()
    world = a_world(fault)
    PARTS[part](world, fault)
    error = await stops(world, part, drain=drain)
    assert "UnforeseenError: nobody foresaw it" in str(error)
    assert isinstance(error.__cause__, UnforeseenError)
    paid = {(ANSWER if what == "classify" else EMBED).key(of) for what, of in world.models.paid}
    failed = {ANSWER.key("o3")} if part == "the message handler" else set()
    assert {row.part_key for row in world.store.results()} == paid - failed
    await nothing_is_paid_twice(world)


@pytest.mark.parametrize("part", IN_A_CALL)
async def test_what_fails_after_an_answer_does_not_lose_it(part: str) -> None:
    fault = Fault()
    world = a_world(fault)
    IN_A_CALL[part](world, fault)
    await stops(world, "the message handler")
    await nothing_is_paid_twice(world)


async def returns() -> None:
    return None


async def is_cancelled_from_within() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def fails_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(Fault().later())


@pytest.mark.parametrize(
    ("ends", "how"),
    [
        (returns, "ended by itself"),
        (is_cancelled_from_within, "failed (CancelledError)"),
        (fails_in_a_group, "failed (UnforeseenError: nobody foresaw it)"),
    ],
)
async def test_what_runs_beside_the_work_lives_as_long_as_it(
    ends: Callable[[], Any], how: str
) -> None:
    world = World(settings=QUICK)
    error = await stops(world, "the heartbeat", beside={"the heartbeat": ends})
    assert how in str(error)
    await nothing_is_paid_twice(world)


async def test_what_runs_beside_the_work_ends_with_it() -> None:
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    world = World()
    world.put(*MESSAGES)
    await world.runner().run(drain=True, beside={"the progress display": forever})
    assert ended.is_set()


async def test_a_writer_that_ends_by_itself_stops_the_worker() -> None:
    world = World(settings=QUICK)
    world.put(*MESSAGES)
    world.queue.redeliver = False
    runner = world.runner()
    run_writer = runner._writer.run

    async def once() -> None:
        runner._writer.run = run_writer  # type: ignore[method-assign]  # the second one is well

    runner._writer.run = once  # type: ignore[method-assign]  # ends at once
    with pytest.raises(InternalError, match="the writer ended by itself"):
        await runner.run()
    assert world.queue.leased == {}
    await nothing_is_paid_twice(world)


async def test_a_lease_is_extended_in_the_drain_although_the_leaser_failed() -> None:
    fault = Fault()

    async def slow(subject: str) -> None:
        await fault.happened.wait()
        await world.queue.until(lambda: world.queue.extended >= 3)

    async def fails_once(lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        if not fault.happened.is_set():
            fault.now()
        world.queue.extended += len(lease_ids)
        world.queue.changed.set()
        return frozenset()

    world = World(settings=QUICK, models=FakeModels(on_classify=slow))
    world.queue.extend = fails_once  # type: ignore[method-assign]  # fails
    await stops(world, "the leaser")
    assert len(world.queue.acked) == len(MESSAGES), "all of it ended within the grace period"


async def test_a_store_that_fails_in_a_way_of_its_own_gives_up_nothing() -> None:
    fault = Fault()
    world = World(settings=QUICK)
    world.store.write = fault.later  # type: ignore[method-assign]  # fails
    await stops(world, "the writer")
    assert (world.queue.acked, world.store.rows) == ([], [])


async def test_what_is_paid_for_is_written_at_the_stop_if_the_store_is_well_again() -> None:
    fault = Fault()
    world = World(settings=QUICK)

    def fails_until_the_stop() -> None:
        if not runner.stopping:
            fault.now()

    world.store.before_write = fails_until_the_stop
    world.put(*MESSAGES)
    world.queue.redeliver = False
    runner = world.runner()
    with pytest.raises(InternalError, match="the writer failed"):
        await runner.run()
    assert len(world.store.results()) == len(world.models.paid) > 0
    assert world.store.dead() == []
    assert world.queue.leased == {}
    await nothing_is_paid_twice(world)


async def test_budgets_that_fail_stop_the_worker() -> None:
    fault = Fault()
    world = World(settings=QUICK)
    world.ledger.set(cost=10**9)
    the_budgets(world, fault)
    fault.after = 0
    await stops(world, "the message handler")
    assert world.models.paid == []


async def test_a_fault_is_reported_though_the_budget_was_reached_first() -> None:
    fault = Fault()
    world = World(settings=QUICK)
    world.ledger.set(images=0)
    world.put(*MESSAGES)
    world.models.on_classify = fault.later
    runner = world.runner()
    runner._run_budgets.close = fault.later  # type: ignore[method-assign]  # fails
    with pytest.raises(InternalError, match="returning reserved budget failed"):
        await runner.run(drain=True)


async def test_what_suspect_failures_cost_is_written_when_all_is_given_back() -> None:
    async def useless(subject: str) -> None:
        raise PermanentError(Reason.ANSWER_INVALID, "no JSON", input_tokens=3, cost_usd_micros=7)

    world = World(models=FakeModels(on_classify=useless, on_embed=useless))
    world.put(*range(60))
    world.queue.redeliver = False
    with pytest.raises(Exception, match="50 failures in a row"):
        await world.runner().run(drain=True)
    events = world.store.dead()
    assert {row.event for row in events} == {"retried"}
    assert sum(row.usage.cost_usd_micros for row in events) == 7 * len(world.models.paid)
    assert world.queue.acked == []


async def test_what_a_failed_half_cost_is_written_though_the_message_is_given_back() -> None:
    async def down(subject: str) -> None:
        raise TransientError("503", cost_usd_micros=5)

    async def fails(subject: str) -> None:
        raise UnforeseenError

    settings = replace(QUICK, tries_per_lease=1)
    world = World(settings=settings, models=FakeModels(on_classify=fails, on_embed=down))
    await stops(world, "the message handler")
    events = world.store.dead()
    assert {row.event for row in events} == {"retried"}
    spent = sum(row.usage.cost_usd_micros for row in events)
    assert spent == 5 * sum(what == "embed" for what, _ in world.models.paid)
