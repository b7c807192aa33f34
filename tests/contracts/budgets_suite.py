"""How every ``Budgets`` behaves: limits, reservations, what was spent, what is still held."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sightline.model import PartRequest
from sightline.ports import (
    Amount,
    BudgetEvent,
    BudgetEventKind,
    Budgets,
    BudgetState,
    CallHistory,
    Limits,
    Provenance,
)
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    WarehouseRig,
    answer_part,
    answer_row,
    asking,
    dead_row,
    embedding_row,
    observation,
    task,
)

TASK = answer_part(task())
SET, RESERVED, RELEASED, REACHED = BudgetEventKind


def event(
    kind: BudgetEventKind,
    cost: int | None = 0,
    images: int | None = 0,
    *,
    name: str = "",
    run_id: str = "run-1",
    worker_id: str = "worker-1",
    at: datetime = NOW,
) -> BudgetEvent:
    """Return an event; without a name it has one of its own."""
    own = name or f"{kind}-{worker_id}-{cost}-{images}-{at:%H%M%S%f}"
    return BudgetEvent(own, run_id, kind, worker_id, cost, images, at)


def budget_set(cost: int | None, images: int | None = None, **more: object) -> BudgetEvent:
    """Return the event by which a person sets a budget."""
    return event(SET, cost, images, worker_id="", **more)  # type: ignore[arg-type]  # tests name real ones


class BudgetsContract:
    """Subclass it as ``Test…`` with the fixtures ``rig`` and ``budgets``."""

    async def test_a_run_without_a_budget_has_no_state(self, budgets: Budgets) -> None:
        assert await budgets.states() == {}
        assert await budgets.states("run-1") == {}

    async def test_the_budget_set_last_is_the_one_that_holds(self, budgets: Budgets) -> None:
        await budgets.record([budget_set(100, None), budget_set(5, 6, run_id="run-2")])
        await budgets.record([budget_set(300, 7, at=NOW + timedelta(seconds=1))])
        states = await budgets.states()
        assert states == {
            "run-1": BudgetState("run-1", Limits(300, 7), last_event_at=NOW + timedelta(seconds=1)),
            "run-2": BudgetState("run-2", Limits(5, 6), last_event_at=NOW),
        }
        assert await budgets.states("run-2") == {"run-2": states["run-2"]}

    async def test_what_is_reserved_and_not_released_counts(self, budgets: Budgets) -> None:
        await budgets.record([budget_set(100, 10), event(RESERVED, 40, 4)])
        await budgets.record([event(RESERVED, 70, 1, worker_id="worker-2")])
        (state,) = (await budgets.states("run-1")).values()
        assert (state.reserved, state.holds) == (Amount(110, 5), False)
        await budgets.record([event(RELEASED, 70, 1, worker_id="worker-2")])
        (state,) = (await budgets.states("run-1")).values()
        assert (state.reserved, state.holds) == (Amount(40, 4), True)

    async def test_an_event_told_twice_counts_once_and_as_told_first(
        self, budgets: Budgets
    ) -> None:
        await budgets.record([budget_set(100), event(RESERVED, 40, name="a")])
        await budgets.record([event(RESERVED, 40, name="a")])
        later = NOW + timedelta(seconds=1)
        await budgets.record([event(RELEASED, 30, name="a/released")])
        await budgets.record(
            [event(RELEASED, 40, name="a/released", worker_id="worker-2", at=later)]
        )
        (state,) = (await budgets.states("run-1")).values()
        assert state.reserved == Amount(10, 0)

    async def test_a_budget_that_is_reached_opens_when_it_is_set_again(
        self, budgets: Budgets
    ) -> None:
        await budgets.record(
            [budget_set(100), event(REACHED, 100, None, at=NOW + timedelta(seconds=1))]
        )
        assert (await budgets.states("run-1"))["run-1"].reached
        await budgets.record([budget_set(200, at=NOW + timedelta(seconds=2))])
        assert not (await budgets.states("run-1"))["run-1"].reached

    async def test_spending_is_what_the_ledgers_show(
        self, rig: WarehouseRig, budgets: Budgets
    ) -> None:
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(TASK, EMBEDDING), "run-1")
        first, second, *_ = await rig.publish("run-1")
        assert await budgets.spent("run-1") == Amount()
        row = answer_row(first, TASK)
        again = replace(row, provenance=replace(row.provenance, attempt=2))
        await rig.writer.write([row, again, embedding_row(first), dead_row(second, TASK)])
        await rig.writer.write([row])
        assert await budgets.spent("run-1") == Amount(22, 2)
        assert await budgets.spent("run-2") == Amount()

    async def test_all_images_of_an_asset_count(self, rig: WarehouseRig, budgets: Budgets) -> None:
        by_asset = answer_part(task("assets", by_asset=True))
        await rig.load([observation(number) for number in range(2)])
        await rig.open(asking(PartRequest(by_asset, by_asset=True)), "run-1")
        (item,) = await rig.publish("run-1")
        await rig.writer.write([answer_row(item, by_asset, by_asset=True)])
        assert await budgets.spent("run-1") == Amount(7, 2)

    async def test_a_worker_holds_what_it_reserved_and_did_not_spend(
        self, rig: WarehouseRig, budgets: Budgets
    ) -> None:
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(EMBEDDING), "run-1")
        first, second, *_ = await rig.publish("run-1")
        later = NOW + timedelta(seconds=9)
        await budgets.record(
            [
                budget_set(100, 10),
                event(RESERVED, 20, 4, name="a"),
                event(RESERVED, 10, 1, name="b", at=later),
                event(RESERVED, 7, 1, worker_id="worker-2"),
                event(RESERVED, 30, 3, worker_id=""),
                event(RESERVED, 9, 1, run_id="run-2"),
            ]
        )
        mine, other = embedding_row(first), embedding_row(second)
        other = replace(other, provenance=replace(other.provenance, worker_id="worker-2"))
        await rig.writer.write([mine, other])
        (reservation,) = await budgets.unspent_reservations("run-1")
        assert (reservation.worker_id, reservation.last_event_id, reservation.last_at) == (
            "worker-1",
            "b",
            later,
        )
        assert reservation.unspent == Amount(23, 4)
        await budgets.record([event(RELEASED, 23, 4, name="b/released")])
        assert await budgets.unspent_reservations("run-1") == []

    async def test_the_history_of_calls_is_that_of_their_model_and_task(
        self, rig: WarehouseRig, budgets: Budgets
    ) -> None:
        assert await budgets.history(TASK) == CallHistory()
        assert await budgets.history(EMBEDDING) == CallHistory()
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(TASK, EMBEDDING), "run-1")
        first, second, *_ = await rig.publish("run-1")
        dear = replace(answer_row(second, TASK), provenance=_dear(embedding_row(second).provenance))
        await rig.writer.write([answer_row(first, TASK), dear, embedding_row(first)])
        assert await budgets.history(TASK) == CallHistory(2, 150.0, 30.0, 18.5, 30)
        assert await budgets.history(EMBEDDING) == CallHistory(1, 100.0, 20.0, 7.0, 7)
        assert await budgets.history(replace(TASK, task="other")) == CallHistory()


def _dear(provenance: Provenance) -> Provenance:
    usage = replace(provenance.usage, input_tokens=200, output_tokens=40, cost_usd_micros=30)
    return replace(provenance, usage=usage)
