"""The worker's promises, in memory: what is written, settled, given back, and paid for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sightline.errors import (
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from sightline.model import Usage
from sightline.ports import DeadLetterRow
from sightline.settings import LimitSettings
from sightline.wire import REPLAY, encode
from tests.worker.signs import ANSWER, EMBED, TASK, message
from tests.worker.world import FAST, FakeModels, World


async def test_every_part_is_written_before_its_message_is_acked() -> None:
    world = World()
    world.put(*range(10))
    acked_at_write: list[int] = []
    world.store.before_write = lambda: acked_at_write.append(len(world.queue.acked))
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 20
    assert len(world.queue.acked) == 10
    assert acked_at_write[0] == 0
    assert not world.queue.leased


async def test_a_broken_message_is_a_dead_letter_and_blocks_nobody() -> None:
    world = World()
    world.queue.put(b"\xff not json")
    world.queue.put(b'{"v":2}')
    world.queue.put(b'{"v":1,"run_id":"r","subject_id":"s","observations":[],"parts":[]}')
    world.put(1)
    await world.runner().run(drain=True)
    assert [row.reason for row in world.store.dead()] == [Reason.BAD_MESSAGE] * 3
    assert len({row.part_key for row in world.store.dead()}) == 3
    assert len(world.store.results()) == 2
    assert len(world.queue.acked) == 4


async def test_a_bad_uri_kills_the_parts_by_their_own_keys() -> None:
    world = World()
    bad = message(1)
    bad = replace(bad, observations=(replace(bad.observations[0], gcs_uri="http://x/y"),))
    world.queue.put(encode(bad))
    await world.runner().run(drain=True)
    assert {row.part_key for row in world.store.dead()} == set(bad.part_keys())
    assert {row.reason for row in world.store.dead()} == {Reason.BAD_URI}
    assert world.models.paid == []


async def test_when_one_half_fails_for_good_the_other_is_written() -> None:
    async def gone(subject: str) -> None:
        raise PermanentError(Reason.IMAGE_GONE, "no such file", cost_usd_micros=7)

    world = World(models=FakeModels(on_classify=gone))
    world.put(1)
    await world.runner().run(drain=True)
    assert [row.part_key for row in world.store.results()] == [EMBED.key("o1")]
    (dead,) = world.store.dead()
    assert (dead.part_key, dead.reason, dead.usage) == (
        ANSWER.key("o1"),
        Reason.IMAGE_GONE,
        Usage(cost_usd_micros=7),
    )
    assert dead.body.count('"fingerprint"') == 1
    assert '"embed"' not in dead.body
    assert len(world.queue.acked) == 1


async def test_an_answer_outside_the_schema_is_a_dead_letter() -> None:
    world = World(models=FakeModels(answer={"kind": "elephant"}))
    world.put(1)
    await world.runner().run(drain=True)
    assert [row.reason for row in world.store.dead()] == [Reason.ANSWER_INVALID]


async def test_a_throttled_call_keeps_its_lease_and_counts_as_no_attempt() -> None:
    refusals = 3

    async def throttled(subject: str) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise ThrottledError("slow down", retry_after_s=0.001)

    settings = replace(FAST, tries_per_lease=1, max_attempts=1)
    world = World(settings=settings, models=FakeModels(on_classify=throttled))
    world.put(1)
    await world.runner().run(drain=True)
    assert world.progress.throttled == 3
    assert world.queue.deliveries == 1
    assert len(world.store.results()) == 2
    assert world.store.dead() == []


async def test_a_transient_failure_is_retried_inside_the_lease() -> None:
    failures = 2

    async def flaky(subject: str) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientError("503")

    world = World(models=FakeModels(on_embed=flaky))
    world.put(1)
    await world.runner().run(drain=True)
    assert world.progress.retries == 2
    assert world.queue.deliveries == 1
    assert len(world.store.results()) == 2


async def test_a_redelivered_message_pays_only_for_the_half_that_failed() -> None:
    failures = 3

    async def flaky(subject: str) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientError("503")

    world = World(models=FakeModels(on_embed=flaky))
    world.put(1)
    await world.runner().run(drain=True)
    assert world.queue.deliveries == 2
    assert world.models.paid.count(("classify", "o1")) == 1
    assert world.models.paid.count(("embed", "o1")) == 4
    assert len(world.store.results()) == 2


async def test_what_fails_at_the_last_delivery_is_dead_with_its_cost() -> None:
    async def down(subject: str) -> None:
        raise TransientError("503", cost_usd_micros=5)

    settings = replace(FAST, max_attempts=3, tries_per_lease=1)
    world = World(settings=settings, models=FakeModels(on_embed=down))
    world.put(1)
    await world.runner().run(drain=True)
    dead = [row for row in world.store.dead() if row.event == "dead"]
    assert [row.reason for row in dead] == [Reason.ATTEMPTS_EXHAUSTED]
    assert sum(row.usage.cost_usd_micros for row in world.store.dead()) == 15


async def test_many_deliveries_alone_kill_no_part() -> None:
    world = World()
    world.put(1, attempt=50)
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 2
    assert world.store.dead() == []


async def test_a_part_that_is_written_already_is_acked_unpaid() -> None:
    world = World()
    world.put(1)
    await world.runner().run(drain=True)
    world.put(1, attempt=2)
    await world.runner().run(drain=True)
    assert len(world.models.paid) == 2
    assert world.progress.already_settled == 1


async def test_a_replayed_dead_letter_is_tried_again_though_the_ledger_says_dead() -> None:
    async def gone(subject: str) -> None:
        raise PermanentError(Reason.IMAGE_GONE, "no such file")

    world = World(models=FakeModels(on_classify=gone))
    world.put(1)
    await world.runner().run(drain=True)
    world.models.on_classify = FakeModels().on_classify
    body = world.store.dead()[0].body.encode()
    world.queue.put(body, {"run_id": "run", REPLAY: "1"})
    await world.runner().run(drain=True)
    assert {row.part_key for row in world.store.results()} == set(message(1).part_keys())


async def test_messages_of_a_cancelled_run_are_acked_unpaid() -> None:
    world = World()
    world.store.cancelled.add("run")
    runner = world.runner()
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.02)
    world.put(1, 2)
    await world.queue.until(lambda: len(world.queue.acked) == 2)
    runner.stop()
    await running
    assert world.models.paid == []
    assert world.progress.cancelled == 2


async def test_a_lost_lease_is_not_paid_for() -> None:
    entered = asyncio.Event()
    go_on = asyncio.Event()

    async def slow(subject: str) -> None:
        entered.set()
        await go_on.wait()

    settings = replace(FAST, lease_s=0.01)
    world = World(
        settings=settings, limit=LimitSettings(in_flight=1), models=FakeModels(on_classify=slow)
    )
    world.put(1, 2)
    running = asyncio.create_task(world.runner().run(drain=True))
    await entered.wait()
    world.queue.lose = {"l2"}
    await world.queue.until(lambda: world.queue.extended >= 4)
    go_on.set()
    world.queue.leased.pop("l2")
    await running
    assert ("classify", "o2") not in world.models.paid
    assert world.progress.leases_lost == 1


async def test_a_task_that_no_ledger_knows_is_a_dead_letter() -> None:
    world = World()
    world.store.tasks.clear()
    world.put(1)
    await world.runner().run(drain=True)
    dead = [row for row in world.store.rows if isinstance(row, DeadLetterRow)]
    assert [row.reason for row in dead] == [Reason.BAD_MESSAGE]
    assert TASK.fingerprint[:12] in dead[0].detail


async def test_never_more_calls_are_in_flight_than_the_cap() -> None:
    now = most = 0

    async def counted(subject: str) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    world = World(limit=LimitSettings(in_flight=3), models=FakeModels(on_classify=counted))
    world.put(*range(40))
    await world.runner().run(drain=True)
    assert most == 3


async def test_a_call_that_hangs_is_a_transient_failure() -> None:
    hang = True

    async def hangs_once(subject: str) -> None:
        nonlocal hang
        if hang:
            hang = False
            await asyncio.Event().wait()

    settings = replace(FAST, call_timeout_s=0.02)
    world = World(settings=settings, models=FakeModels(on_classify=hangs_once))
    world.put(1)
    await world.runner().run(drain=True)
    assert world.progress.retries == 1
    assert len(world.store.results()) == 2


async def test_a_call_that_waits_for_its_permit_is_not_made_once_its_run_is_cancelled() -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(subject: str) -> None:
        entered.set()
        await go_on.wait()

    world = World(limit=LimitSettings(in_flight=1), models=FakeModels(on_classify=slow))
    world.put(*range(20))
    runner = world.runner()
    running = asyncio.create_task(runner.run())
    await entered.wait()
    world.store.cancelled.add("run")
    await world.store.until_asked()
    go_on.set()
    await world.queue.until(lambda: len(world.queue.acked) == 20)
    runner.stop()
    await running
    assert [what for what in world.models.paid if what[0] == "classify"] == [("classify", "o0")]
    assert world.progress.cancelled == 19
