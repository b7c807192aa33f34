"""Workers and budgets, in memory: what is paid, what is put off, and how a worker ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from random import Random

import pytest

from sightline.errors import BudgetError, StorageError, TransientError
from sightline.ports import Amount, BudgetEvent, BudgetEventKind, UnspentReservation
from sightline.settings import LimitSettings
from sightline.wire import encode
from tests.worker.ledger import MOMENT, Ledger
from tests.worker.signs import ANSWER, EMBED, message
from tests.worker.world import FAST, FakeModels, World
from worker.budgets.estimates import Estimates
from worker.budgets.run_budgets import OverBudgetError, RunBudgets

ESTIMATE = 1024
"""What a call of the task is estimated to cost at one micro an output token."""


def answering(world: World, *numbers: int, run_id: str = "run") -> None:
    """Put messages that ask for an answer alone."""
    for number in numbers:
        world.queue.put(encode(message(number, (ANSWER,), run_id)), {"run_id": run_id})


def opened(ledger: Ledger, now: Callable[[], datetime] = lambda: MOMENT) -> RunBudgets:
    """Return the budgets of a worker, whose reservations are ``n0``, ``n1`` and so on."""
    ids = count()
    return RunBudgets(
        ledger,
        worker_id="w1",
        now=now,
        new_id=lambda: f"n{next(ids)}",
        random=lambda: 0.5,
        pause_s=0.0,
    )


async def over(world: World) -> str:
    """Run a draining worker that ends over budget; return what it says."""
    with pytest.raises(BudgetError) as caught:
        await world.runner().run(drain=True)
    return str(caught.value)


async def test_a_run_without_a_budget_asks_the_ledger_once() -> None:
    world = World()
    world.price(output_usd=1.0)
    answering(world, *range(50))
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 50
    assert [event.event for event in world.ledger.events] == []


async def test_at_the_budget_nothing_is_called_dead_or_lost() -> None:
    world = World(models=FakeModels(cost=600))
    world.price(output_usd=1.0)
    world.ledger.set(cost=6000)
    answering(world, *range(20))
    error = await over(world)
    assert error.startswith("the budget of run run, $0.01, is reached")
    paid = len(world.models.paid)
    assert 6000 - ESTIMATE < 600 * paid <= 6000
    assert len(world.store.results()) == paid == len(world.queue.acked)
    assert world.store.dead() == []
    assert len(world.queue.delayed) + len(world.queue.ready) == 20 - paid
    assert not world.queue.leased


async def test_a_worker_gives_back_what_it_did_not_spend() -> None:
    world = World(models=FakeModels(cost=7))
    world.price(output_usd=1.0)
    world.ledger.set(cost=1_000_000, images=100)
    answering(world, *range(10))
    await world.runner().run(drain=True)
    assert world.ledger.reserved() == Amount(70, 10)
    reserved = [event for event in world.ledger.events if event.event is BudgetEventKind.RESERVED]
    assert len(reserved) <= 2 + 10 // 4


@pytest.mark.parametrize("cut_off", [False, True])
async def test_a_slice_that_was_perhaps_not_recorded_is_not_given_back(cut_off: bool) -> None:
    class FullDisk(Ledger):
        async def record(self, events: Sequence[BudgetEvent]) -> None:
            if events[0].event is not BudgetEventKind.RESERVED:
                await super().record(events)  # there is room again
            elif cut_off:
                begun.set()
                await asyncio.Event().wait()
            else:
                raise StorageError("the disk is full; free some space")

    begun = asyncio.Event()
    world = World(ledger=FullDisk(), settings=replace(FAST, grace_s=0.0))
    world.ledger.set(images=10)
    answering(world, 1)
    runner = world.runner()
    running = asyncio.create_task(runner.run())
    if cut_off:
        await begun.wait()
        runner.stop()
        await running
    else:
        with pytest.raises(StorageError):
            await running
    assert world.ledger.reserved() == Amount()
    assert world.models.paid == []


async def test_an_image_counts_once_however_many_parts_ask_for_it() -> None:
    world = World()
    world.ledger.set(images=3)
    world.put(*range(5))
    await over(world)
    assert len(world.models.paid) == 6
    assert world.ledger.reserved() == Amount(0, 3)


async def test_free_models_go_on_when_the_money_is_spent() -> None:
    world = World()
    world.price(output_usd=1.0)
    world.ledger.set(cost=0)
    world.put(1, 2)
    error = await over(world)
    assert "--max-cost 0.01" in error
    assert {row.part_key for row in world.store.results()} == {EMBED.key("o1"), EMBED.key("o2")}
    assert len(world.queue.delayed) == 2
    assert world.store.dead() == []


async def test_other_runs_go_on() -> None:
    world = World(models=FakeModels(cost=600))
    world.price(output_usd=1.0)
    world.ledger.set(cost=0)
    answering(world, *range(30))
    answering(world, *range(30, 60), run_id="other")
    error = await over(world)
    assert "run run" in error
    assert len(world.queue.acked) == len(world.models.paid) == 30


async def test_a_worker_that_does_not_drain_ends_too_but_not_at_once() -> None:
    world = World()
    world.ledger.set(images=0)
    answering(world, 1)
    ticks = iter(range(10**9))
    world.clock = lambda: float(next(ticks))
    with pytest.raises(BudgetError):
        await world.runner().run()
    assert next(ticks) > 30


async def test_messages_put_off_before_end_the_next_worker_at_once() -> None:
    world = World()
    world.ledger.set(images=0)
    answering(world, 1)
    await over(world)
    await over(world)
    assert world.queue.deliveries == 1


async def test_a_raised_budget_lets_the_rest_be_done() -> None:
    world = World()
    world.ledger.set(images=2)
    answering(world, *range(5))
    await over(world)
    world.ledger.set(images=5)
    await world.queue.make_due("run")
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 5
    assert world.ledger.reserved() == Amount(0, 5)


async def test_a_budget_that_is_raised_while_a_worker_runs_is_noticed() -> None:
    world = World()
    world.ledger.set(images=1)
    now = MOMENT
    world.now = lambda: now
    answering(world, 1, 2)
    answering(world, 3, run_id="other")
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(subject: str) -> None:
        if subject == "o3":
            entered.set()
            await go_on.wait()

    world.models.on_classify = slow
    running = asyncio.create_task(world.runner().run(drain=True))
    await entered.wait()
    await world.queue.until(lambda: len(world.queue.acked) == 1)
    world.ledger.set(images=2)
    now += timedelta(seconds=3)
    await world.queue.until(lambda: bool(world.queue.delayed))
    await world.queue.make_due("run")
    await world.queue.until(lambda: len(world.queue.acked) == 2)
    go_on.set()
    await running
    assert len(world.store.results()) == 3


async def test_a_failed_try_and_a_call_without_an_answer_are_charged() -> None:
    tries = 0

    async def flaky(subject: str) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise TransientError("503", cost_usd_micros=40)
        if tries == 2:
            await asyncio.Event().wait()

    settings = replace(FAST, call_timeout_s=0.02)
    world = World(settings=settings, models=FakeModels(cost=5, on_classify=flaky))
    world.price(output_usd=1.0)
    world.ledger.set(cost=1_000_000)
    answering(world, 1)
    await world.runner().run(drain=True)
    assert world.ledger.reserved() == Amount(40 + ESTIMATE + 5)


async def test_the_dearest_call_seen_corrects_the_estimate() -> None:
    world = World(models=FakeModels(cost=5000))
    world.price(output_usd=1.0)
    world.ledger.dearest = 3000
    estimates = Estimates(
        world.prices.get, world.ledger, answers_at="global", embeddings_at="global"
    )
    task = world.store.tasks[ANSWER.fingerprint]
    assert await estimates.of_answer(ANSWER, task, 1) == 3000
    estimates.saw(ANSWER, 5000)
    assert await estimates.of_answer(ANSWER, task, 1) == 5000


async def test_the_overrun_is_at_most_what_calls_in_flight_cost_beyond_their_estimates() -> None:
    world = World(limit=LimitSettings(in_flight=4), models=FakeModels(cost=3000))
    world.price(output_usd=1.0)
    world.ledger.set(cost=20_000)
    answering(world, *range(40))
    await over(world)
    spent = 3000 * len(world.models.paid)
    assert spent <= 20_000 + 4 * (3000 - ESTIMATE)


@pytest.mark.parametrize("seed", range(20))
async def test_workers_that_race_never_reserve_more_than_the_budget(seed: int) -> None:
    ledger = Ledger()
    ledger.set(cost=150)
    chance = Random(seed)

    async def worker(name: str) -> int:
        ids = iter(range(10**6))
        run_budgets = RunBudgets(
            ledger,
            worker_id=name,
            now=lambda: MOMENT,
            new_id=lambda: f"{name}-{next(ids)}",
            random=chance.random,
            pause_s=0.0002,
        )
        spent = 0
        try:
            while True:
                needed = Amount(chance.randint(1, 60))
                reservation = await run_budgets.reserve("run", needed)
                for _ in range(chance.randint(0, 3)):
                    await asyncio.sleep(0)
                used = needed.cost_usd_micros - chance.randint(0, 1)
                reservation.charge(Amount(used))
                spent += used
        except OverBudgetError:
            await run_budgets.close()
            return spent

    spent = await asyncio.gather(*(worker(f"w{number}") for number in range(5)))
    assert 0 < sum(spent) <= 150
    assert ledger.reserved().cost_usd_micros == sum(spent)


async def test_of_two_workers_the_one_recorded_later_gives_its_slice_back() -> None:
    ledger = Ledger()
    ledger.set(cost=100)
    rival = BudgetEvent("rival", "run", BudgetEventKind.RESERVED, "w2", 70, 0, MOMENT)

    def rival_comes_between() -> None:
        if ledger.reads == 2:  # the wish is made, the reservation comes after
            ledger.events.insert(1, rival)

    ledger.before_states = rival_comes_between
    run_budgets = opened(ledger)
    await run_budgets.reserve("run", Amount(10))
    kinds = [
        (event.worker_id, event.event.value, event.cost_usd_micros) for event in ledger.events[1:]
    ]
    assert kinds == [
        ("w2", "reserved", 70),
        ("w1", "reserved", 40),
        ("w1", "released", 40),
        ("w1", "reserved", 20),
    ]


async def test_the_slice_of_a_killed_worker_is_given_back_by_age() -> None:
    world = World()
    world.ledger.set(images=10)
    world.ledger.events.append(
        BudgetEvent("k", "run", BudgetEventKind.RESERVED, "killed", 0, 8, MOMENT)
    )
    world.ledger.held = [UnspentReservation("killed", "k", MOMENT, Amount(0, 6))]
    world.now = lambda: MOMENT + timedelta(minutes=50)
    answering(world, *range(8))
    await over(world)
    assert len(world.store.results()) == 2
    world.now = lambda: MOMENT + timedelta(minutes=61)
    await world.queue.make_due("run")
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 8
    assert world.ledger.reserved() == Amount(0, 10)
    released = [event for event in world.ledger.events if event.event_id == "k/released"]
    assert [event.worker_id for event in released] == ["killed"]


async def test_a_worker_that_was_silent_for_long_reserves_anew() -> None:
    ledger = Ledger()
    ledger.set(images=100)
    now = MOMENT
    run_budgets = opened(ledger, lambda: now)
    await run_budgets.reserve("run", Amount(0, 1))
    now += timedelta(minutes=31)
    await run_budgets.reserve("run", Amount(0, 1))
    names = [event.event_id for event in ledger.events[1:]]
    assert names == ["n0", "n0/released", "n1"]
    await run_budgets.close()
    assert ledger.reserved() == Amount(0, 2)
    assert ledger.events[-1].event_id == "n1/released"


async def test_a_ledger_out_of_reach_is_waited_for() -> None:
    world = World()
    world.ledger.set(images=5)
    failures = 2

    def fails() -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientError("503")

    world.ledger.before_states = fails
    answering(world, 1)
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 1


async def test_a_drain_that_waits_for_nothing_still_works_and_ends() -> None:
    world = World(settings=replace(FAST, drain_idle_s=0.0))
    world.put(1, 2)
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 4


async def test_calls_that_wait_for_money_are_woken_when_the_budget_is_raised() -> None:
    ledger = Ledger()
    ledger.set(cost=10)
    now = MOMENT
    run_budgets = opened(ledger, lambda: now)
    under_way = await run_budgets.reserve("run", Amount(10))
    under_way.account.budget_slice.calls += 1
    waiting = asyncio.create_task(run_budgets.reserve("run", Amount(8)))
    while not under_way.account.dry:  # noqa: ASYNC110 - it turns dry after some readings
        await asyncio.sleep(0)
    assert not waiting.done()
    ledger.set(cost=100)
    now += timedelta(seconds=3)
    await run_budgets.reserve("run", Amount(5))
    assert (await waiting).taken == Amount(8)
    assert ledger.reserved().cost_usd_micros <= 100
