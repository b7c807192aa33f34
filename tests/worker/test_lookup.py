"""What is looked up in the ledgers before it is paid: what comes again, or may have come before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from sightline.ports import Delivery
from sightline.wire import RECHECK, REPLAY, encode
from tests.worker.ports_in_memory import Store
from tests.worker.signs import message
from tests.worker.world import World
from worker.messages.lookup import FINISHED_HOLDS_S, Lookup, LookupRule
from worker.progress import Progress

LEASE_S = 3600.0
CAREFUL = LookupRule(trusted=False, longest_lease_s=LEASE_S)


async def read(_what: str, look: Callable[[], Awaitable[frozenset[str]]]) -> frozenset[str]:
    """Read once, as there is nothing to wait for."""
    return await look()


@dataclass
class Desk:
    """A lookup over a store in memory, with a clock that only the test moves."""

    store: Store = field(default_factory=Store)
    rule: LookupRule = CAREFUL
    time_s: float = 0.0

    def __post_init__(self) -> None:
        self.lookup = Lookup(self.store, Progress(), read, self.rule, monotonic=lambda: self.time_s)

    async def looked_up(self, *deliveries: Delivery) -> Sequence[str]:
        """Return the parts that were looked up among these deliveries'."""
        self.store.looked_up.clear()
        await self.lookup.settled(deliveries)
        return list(self.store.looked_up)


def delivery(
    number: int,
    *flags: str,
    attempt: int = 1,
    age_s: float | None = 1.0,
    run: str = "run",
) -> Delivery:
    """Return a delivery of a message of a run, with these attributes set."""
    attributes = {**({"run_id": run} if run else {}), **dict.fromkeys(flags, "1")}
    return Delivery(f"l{number}", f"m{number}", encode(message(number)), attributes, attempt, age_s)


KEYS = list(message(1).part_keys())


async def test_young_first_deliveries_of_a_run_that_goes_on_are_not_looked_up() -> None:
    desk = Desk()
    assert await desk.looked_up(delivery(1), delivery(2, age_s=LEASE_S - 1)) == []


@pytest.mark.parametrize("attempt", [0, 2, 7])
async def test_what_comes_again_is_looked_up_whoever_says_how_often(attempt: int) -> None:
    desk = Desk(rule=LookupRule(trusted=True, longest_lease_s=LEASE_S))
    assert await desk.looked_up(delivery(1, attempt=attempt)) == KEYS


async def test_a_first_delivery_older_than_any_lease_is_looked_up() -> None:
    desk = Desk()
    assert await desk.looked_up(delivery(1, age_s=LEASE_S)) == KEYS


async def test_the_first_deliveries_of_a_finished_run_are_looked_up() -> None:
    desk = Desk()
    desk.store.done.add("run")
    assert await desk.looked_up(delivery(1), delivery(2, run="other")) == KEYS


async def test_a_message_that_names_no_run_is_looked_up() -> None:
    assert await Desk().looked_up(delivery(1, run="")) == KEYS


async def test_first_deliveries_are_trusted_where_marks_tell_of_a_restore() -> None:
    desk = Desk(rule=LookupRule(trusted=True, longest_lease_s=LEASE_S))
    desk.store.done.add("run")
    assert await desk.looked_up(delivery(1, age_s=10 * LEASE_S)) == []
    assert desk.store.finished_asked == []


async def test_whether_a_run_is_finished_is_asked_once_a_while() -> None:
    desk = Desk()
    for time_s in (0.0, 1.0, FINISHED_HOLDS_S - 1):
        desk.time_s = time_s
        await desk.looked_up(delivery(1), delivery(2))
    assert desk.store.finished_asked == [("run",)]
    desk.store.done.add("run")
    desk.time_s = FINISHED_HOLDS_S
    assert await desk.looked_up(delivery(1)) == KEYS


async def test_after_an_empty_queue_it_is_asked_again() -> None:
    desk = Desk()
    await desk.looked_up(delivery(1))
    desk.store.done.add("run")
    desk.lookup.nothing_came()
    assert await desk.looked_up(delivery(1)) == KEYS


async def test_a_replayed_dead_letter_that_is_rechecked_counts_as_any_other() -> None:
    desk = Desk()
    assert await desk.looked_up(delivery(1, REPLAY, RECHECK)) == KEYS
    assert await desk.looked_up(delivery(1, REPLAY)) == []  # asked for as written only


async def test_a_subscription_that_is_set_back_has_nothing_paid_twice() -> None:
    world = World(trusts_first_deliveries=False)
    world.put(*range(10))
    await world.runner().run(drain=True)
    paid = len(world.models.paid)
    assert paid == 20
    world.store.done.add("run")
    world.put(*range(10))  # as first deliveries
    await world.runner().run(drain=True)
    assert len(world.models.paid) == paid
    assert not world.queue.leased


async def test_a_run_that_goes_on_pays_for_each_call_without_a_look() -> None:
    world = World(trusts_first_deliveries=False)
    world.put(*range(10))
    await world.runner().run(drain=True)
    assert world.store.looked_up == []
