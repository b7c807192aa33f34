"""How a worker stops: drained, asked to, or because the job itself is at fault."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    StorageError,
    TransientError,
)
from sightline.ports import Delivery
from sightline.wire import encode
from tests.waiting import GIVE_UP_S
from tests.worker.signs import EMBED, message
from tests.worker.world import FAST, FakeModels, World


async def test_a_drain_extends_leases_until_the_last_message_is_settled() -> None:
    started = asyncio.Event()

    async def slow(subject: str) -> None:
        started.set()
        await world.queue.until(lambda: world.queue.extended >= 3)

    settings = replace(FAST, lease_s=0.02, grace_s=30.0)
    world = World(settings=settings, models=FakeModels(on_classify=slow))
    world.put(1)
    runner = world.runner()
    running = asyncio.create_task(runner.run())
    await started.wait()
    runner.stop()
    await running
    assert world.queue.deliveries == 1
    assert len(world.queue.acked) == 1
    assert world.progress.nacked_at_stop == 0


async def test_what_does_not_end_within_the_grace_period_is_given_back_and_counted() -> None:
    started = asyncio.Event()

    async def forever(subject: str) -> None:
        if subject == "o1":
            started.set()
            await asyncio.Event().wait()

    world = World(settings=replace(FAST, grace_s=0.05), models=FakeModels(on_classify=forever))
    world.put(1, 2)
    world.queue.redeliver = False
    runner = world.runner()
    running = asyncio.create_task(runner.run())
    await started.wait()
    runner.stop()
    await running
    assert world.queue.nacked == ["m0"]
    assert world.progress.nacked_at_stop == 1
    assert world.queue.acked == ["m1"]


async def test_what_is_paid_for_is_written_though_its_other_half_is_given_back() -> None:
    started = asyncio.Event()

    async def forever(subject: str) -> None:
        started.set()
        await asyncio.Event().wait()

    world = World(settings=replace(FAST, grace_s=0.05), models=FakeModels(on_classify=forever))
    world.put(1)
    runner = world.runner()
    running = asyncio.create_task(runner.run())
    await started.wait()
    runner.stop()
    await running
    assert [row.part_key for row in world.store.rows] == [EMBED.key("o1")]
    assert (world.progress.nacked_at_stop, world.progress.nacked) == (1, 0)
    world.models.on_classify = _at_once
    await world.runner().run(drain=True)
    assert world.models.paid == [("classify", "o1"), ("embed", "o1"), ("classify", "o1")]
    assert world.queue.acked == ["m0"]


async def _at_once(subject: str) -> None:
    return None


async def test_fifty_suspect_failures_in_a_row_stop_the_worker_and_give_up_nothing() -> None:
    async def denied(subject: str) -> None:
        raise PermanentError(Reason.PERMISSION_DENIED, "the grant is missing")

    world = World(models=FakeModels(on_classify=denied, on_embed=denied))
    world.put(*range(60))
    world.queue.redeliver = False
    with pytest.raises(ConfigurationError, match="50 failures in a row"):
        await world.runner().run(drain=True)
    assert world.store.dead() == []
    assert len(world.queue.nacked) + len(world.queue.ready) == 60
    assert world.queue.acked == []


async def test_suspect_failures_among_successes_are_dead_letters() -> None:
    async def sometimes(subject: str) -> None:
        if int(subject[1:]) % 2:
            raise PermanentError(Reason.PERMISSION_DENIED, "this one image")

    world = World(models=FakeModels(on_classify=sometimes, on_embed=sometimes))
    world.put(*range(200))
    await world.runner().run(drain=True)
    assert len(world.store.dead()) == 200
    assert len(world.store.results()) == 200
    assert len(world.queue.acked) == 200


async def test_too_few_suspect_failures_to_judge_are_dead_letters_in_the_end() -> None:
    async def denied(subject: str) -> None:
        raise PermanentError(Reason.PERMISSION_DENIED, "denied")

    world = World(models=FakeModels(on_classify=denied, on_embed=denied))
    world.put(1, 2)
    await world.runner().run(drain=True)
    assert len(world.store.dead()) == 4
    assert len(world.queue.acked) == 2


async def test_a_model_that_is_closed_stops_the_worker_which_gives_back_what_it_holds() -> None:
    async def closed(subject: str) -> None:
        raise ConfigurationError("the model is closed to this project; set models.classify")

    world = World(models=FakeModels(on_classify=closed))
    world.put(1, 2, 3)
    world.queue.redeliver = False
    with pytest.raises(ConfigurationError, match="closed to this project"):
        await world.runner().run(drain=True)
    assert world.queue.acked == []
    assert sorted(world.queue.nacked) + [delivery[0] for delivery in world.queue.ready] == [
        "m0",
        "m1",
        "m2",
    ]


async def test_a_store_out_of_reach_for_a_while_loses_nothing() -> None:
    world = World()
    world.store.fail = [TransientError("out of reach"), TransientError("still")]
    world.put(1, 2)
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 4
    assert len(world.queue.acked) == 2


async def test_a_full_disk_stops_the_worker_and_acks_nothing() -> None:
    world = World()
    world.store.fail = [StorageError("the disk is full; make room")]
    world.put(1, 2)
    world.queue.redeliver = False
    with pytest.raises(StorageError, match="disk is full"):
        await world.runner().run(drain=True)
    assert world.queue.acked == []
    assert sorted(world.queue.nacked) == ["m0", "m1"]


async def test_a_drain_waits_for_parts_that_are_not_published_yet() -> None:
    world = World(settings=replace(FAST, drain_missing_s=60.0))
    world.store.left = 1
    running = asyncio.create_task(world.runner().run(drain=True))
    await asyncio.sleep(0.05)
    assert not running.done()
    world.store.left = 0
    await running


async def test_a_drain_says_when_parts_are_missing_from_an_empty_queue() -> None:
    world = World()
    world.store.left = 3
    with pytest.raises(ConfigurationError, match="reconcile"):
        await world.runner().run(drain=True)


async def test_what_the_queue_gave_up_on_reaches_the_ledger() -> None:
    world = World()
    body = encode(message(7))
    world.queue.backstop = [Delivery("b1", "m7", body, {"run_id": "run"}, 100)]
    await world.runner().run(drain=True)
    assert {row.part_key for row in world.store.dead()} == set(message(7).part_keys())
    assert {row.reason for row in world.store.dead()} == {Reason.ATTEMPTS_EXHAUSTED}
    assert world.queue.backstop == []


async def test_work_begins_while_the_queue_is_asked_what_it_gave_up_on() -> None:
    looking = asyncio.Event()

    async def look(max_messages: int) -> list[Delivery]:
        looking.set()
        await world.queue.until(lambda: len(world.queue.acked) == 1)
        return []

    world = World()
    world.queue.collect_backstop = look  # type: ignore[method-assign]  # a look that takes long
    world.put(1)
    async with asyncio.timeout(GIVE_UP_S):
        await world.runner().run(drain=True)
    assert looking.is_set()
    assert len(world.queue.acked) == 1


async def test_a_drain_records_what_the_queue_gave_up_on_however_long_looking_takes() -> None:
    many_pulls, pulled, pulls = 20, asyncio.Event(), 0

    async def look(max_messages: int) -> list[Delivery]:
        await pulled.wait()
        return world.queue.backstop

    async def pull(max_messages: int, *, lease_s: float) -> list[Delivery]:
        nonlocal pulls
        pulls += 1
        if pulls == many_pulls:
            pulled.set()
        return []

    world = World(settings=replace(FAST, drain_idle_s=0.0))
    world.queue.backstop = [Delivery("b1", "m1", encode(message(1)), {"run_id": "run"}, 100)]
    world.queue.collect_backstop = look  # type: ignore[method-assign]  # a look that takes long
    world.queue.pull = pull  # type: ignore[method-assign]  # counts
    async with asyncio.timeout(GIVE_UP_S):
        await world.runner().run(drain=True)
    assert [row.reason for row in world.store.dead()] == [Reason.ATTEMPTS_EXHAUSTED] * 2
