"""How every ``Runs`` behaves: each state of the balance, cancelling, costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import Balance, WorkItem
from sightline.ports import Overview, RunAccount
from sightline.wire import encode
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
    write_all,
)

TASK = answer_part(task())
STATES = ("written", "dead", "queued", "to_publish", "cancelled", "lost", "awaiting_ack")


async def opened(rig: WarehouseRig, *, publish: bool) -> Sequence[WorkItem]:
    """Return the items of a run of six observations."""
    await rig.load([observation(number) for number in range(6)])
    await rig.open(asking(TASK, EMBEDDING), "run-1")
    return await rig.publish("run-1") if publish else await rig.items("run-1")


async def lost_pages(rig: WarehouseRig, items: int, run_id: str = "run-1") -> list[list[WorkItem]]:
    """Return the pages of a run's items that hold lost parts."""
    return [list(page) async for page in rig.runs.lost(run_id, page_items=items)]


def accounts(overview: Overview) -> dict[str, RunAccount]:
    """Return the accounts by run."""
    return {account.run.run_id: account for account in overview.accounts}


async def balance_of(rig: WarehouseRig, run_id: str = "run-1") -> Balance:
    """Return a run's balance, which the accounts of all runs tell alike, remembered or not."""
    balance, cost = await rig.runs.balance(run_id), await rig.runs.cost(run_id)
    for from_ledgers in (True, False, False):
        overview = await rig.runs.overview(from_ledgers=from_ledgers)
        account = accounts(overview)[run_id]
        assert (account.balance, account.cost) == (balance, cost)
        assert [account.run for account in overview.accounts] == list(await rig.runs.runs())
        assert overview.dead_by_reason == await rig.runs.dead_by_reason()
    return balance


def shown(balance: Balance) -> dict[str, int]:
    """Return the states that hold some part."""
    return {name: getattr(balance, name) for name in STATES if getattr(balance, name)}


def visible_states(rig: WarehouseRig, **states: int) -> dict[str, int]:
    """Return these states as the balance shows them: queued, for lost ones that cannot be seen."""
    if rig.sees_queue:
        return states
    lost = states.pop("lost", 0)
    states.pop("awaiting_ack", None)
    return {**states, "queued": states.get("queued", 0) + lost} if lost else states


class RunsContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_a_run_that_is_not_there_is_named(self, rig: WarehouseRig) -> None:
        with pytest.raises(NotFoundError, match=r"nope.*sightline status"):
            await rig.runs.balance("nope")
        with pytest.raises(NotFoundError, match=r"nope.*sightline status"):
            await lost_pages(rig, 1, run_id="nope")
        with pytest.raises(NotFoundError, match=r"nope.*sightline status"):
            await rig.runs.cancel("nope", now=NOW)

    async def test_the_accounts_of_no_runs_are_none(self, rig: WarehouseRig) -> None:
        assert await rig.runs.overview(from_ledgers=False) == Overview((), {})
        assert await rig.runs.overview(from_ledgers=True) == Overview((), {})

    async def test_each_run_has_an_account_of_its_own(self, rig: WarehouseRig) -> None:
        items = await opened(rig, publish=True)
        await rig.runs.cancel("run-1", now=NOW)
        await rig.open(asking(EMBEDDING), "run-2")
        await rig.publish("run-2")
        await write_all(rig, items[:2])
        for run_id in ("run-1", "run-2"):
            await balance_of(rig, run_id)
        by_run = accounts(await rig.runs.overview(from_ledgers=False))
        assert by_run.keys() == {"run-1", "run-2"}
        assert shown(by_run["run-1"].balance)["written"] == 4
        assert shown(by_run["run-2"].balance)["written"] == 2

    async def test_runs_are_listed_newest_first(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        await rig.open(asking(EMBEDDING), "run-2", at=NOW + timedelta(seconds=1))
        listed = await rig.runs.runs()
        assert [(run.run_id, run.messages, run.parts) for run in listed] == [
            ("run-2", 1, 1),
            ("run-1", 1, 1),
        ]
        assert listed[1].created_at == NOW
        assert "sightline enqueue" in listed[1].request_json

    async def test_parts_not_published_yet_are_to_publish(self, rig: WarehouseRig) -> None:
        await opened(rig, publish=False)
        balance = await balance_of(rig)
        assert (balance.parts, shown(balance)) == (12, {"to_publish": 12})
        assert balance.holds
        assert not balance.settled

    async def test_published_parts_are_queued(self, rig: WarehouseRig) -> None:
        await opened(rig, publish=True)
        balance = await balance_of(rig)
        assert shown(balance) == {"queued": 12}
        assert balance.holds

    async def test_lost_items_come_with_their_lost_parts_alone(self, rig: WarehouseRig) -> None:
        first, *others = await opened(rig, publish=True)
        full = {item.subject_id: item for page in await lost_pages(rig, 10) for item in page}
        assert len(full) == (0 if rig.sees_queue else 6)
        rig.queued["run-1"] = [encode(item) for item in others]
        await rig.writer.write([embedding_row(first)])
        lost = {item.subject_id: item for page in await lost_pages(rig, 10) for item in page}
        assert lost == full | {first.subject_id: replace(first, parts=(TASK,))}

    async def test_lost_items_come_in_pages_each_once(self, rig: WarehouseRig) -> None:
        items = await opened(rig, publish=True)
        rig.queued["run-1"].clear()
        pages = await lost_pages(rig, 4)
        assert [len(page) for page in pages] == [4, 2]
        lost = [item for page in pages for item in page]
        assert sorted(lost, key=lambda work_item: work_item.subject_id) == sorted(
            items, key=lambda work_item: work_item.subject_id
        )

    async def test_only_published_parts_that_are_not_settled_are_lost(
        self, rig: WarehouseRig
    ) -> None:
        first, second, *_ = await opened(rig, publish=False)
        assert await lost_pages(rig, 10) == []
        items = await rig.publish("run-1")
        rig.queued["run-1"].clear()
        await write_all(rig, items[2:])
        await rig.writer.write([answer_row(first, TASK), dead_row(second, TASK)])
        assert {(item.subject_id, item.parts) for (item, *_) in await lost_pages(rig, 1)} == {
            (first.subject_id, (EMBEDDING,)),
            (second.subject_id, (EMBEDDING,)),
        }
        await rig.runs.cancel("run-1", now=NOW)
        assert await lost_pages(rig, 10) == []

    async def test_written_and_dead_parts_are_told_apart(self, rig: WarehouseRig) -> None:
        first, second, *_ = await opened(rig, publish=True)
        await rig.writer.write([answer_row(first, TASK), embedding_row(second)])
        await rig.writer.write([dead_row(second, TASK)])
        balance = await balance_of(rig)
        assert shown(balance) == visible_states(rig, written=2, dead=1, queued=9, awaiting_ack=2)
        rig.queued["run-1"].clear()
        balance = await balance_of(rig)
        assert shown(balance) == visible_states(rig, written=2, dead=1, lost=9)
        assert balance.holds is not rig.sees_queue

    async def test_a_finished_run_is_settled(self, rig: WarehouseRig) -> None:
        items = await opened(rig, publish=True)
        rig.queued["run-1"].clear()
        await write_all(rig, items)
        balance = await balance_of(rig)
        assert shown(balance) == {"written": 12}
        assert balance.holds
        assert balance.settled

    async def test_a_row_written_twice_is_shown_once(self, rig: WarehouseRig) -> None:
        items = await opened(rig, publish=True)
        await write_all(rig, items)
        await write_all(rig, items)
        balance = await balance_of(rig)
        assert (balance.written, balance.duplicates) == (12, 0)

    async def test_a_message_without_queue_row_or_result_is_lost(self, rig: WarehouseRig) -> None:
        await opened(rig, publish=True)
        rig.queued["run-1"].pop()
        balance = await balance_of(rig)
        assert shown(balance) == visible_states(rig, queued=10, lost=2)
        assert balance.holds is not rig.sees_queue

    async def test_messages_that_cannot_be_read_hold_no_part(self, rig: WarehouseRig) -> None:
        await opened(rig, publish=True)
        rig.queued["run-1"] += [b"\xff\x00", b"[]", b'{"subject_id": 7, "parts": [1]}']
        assert shown(await balance_of(rig)) == {"queued": 12}

    async def test_a_cancelled_run_holds_what_was_not_done_as_cancelled(
        self, rig: WarehouseRig
    ) -> None:
        first, *_ = await opened(rig, publish=True)
        await rig.writer.write([answer_row(first, TASK)])
        await rig.runs.cancel("run-1", now=NOW)
        if rig.sees_queue:
            assert shown(await balance_of(rig))["queued"] == 11
        rig.queued["run-1"].clear()
        balance = await balance_of(rig)
        assert shown(balance) == {"written": 1, "cancelled": 11}
        assert balance.holds
        assert [run.state for run in await rig.runs.runs()] == ["cancelled"]

    async def test_a_replayed_part_is_queued_again(self, rig: WarehouseRig) -> None:
        items = await opened(rig, publish=True)
        await write_all(rig, items[1:])
        await rig.writer.write([dead_row(items[0], TASK), embedding_row(items[0])])
        rig.queued["run-1"] = []
        assert shown(await balance_of(rig)) == {"written": 11, "dead": 1}
        replayed = dead_row(items[0], TASK, event="replayed", at=NOW + timedelta(seconds=1))
        await rig.dead_letters.record([replayed])
        rig.queued["run-1"] = [replayed.body.encode()]
        assert shown(await balance_of(rig)) == {"written": 11, "queued": 1}

    async def test_a_purged_part_stays_dead_in_the_account(self, rig: WarehouseRig) -> None:
        items = await opened(rig, publish=True)
        rig.queued["run-1"].clear()
        await write_all(rig, items[1:])
        purged = dead_row(items[0], TASK, event="purged", at=NOW + timedelta(seconds=1))
        await rig.writer.write([dead_row(items[0], TASK), purged, embedding_row(items[0])])
        assert shown(await balance_of(rig)) == {"written": 11, "dead": 1}

    async def test_costs_add_up_with_calls_paid_twice_and_dead_letters(
        self, rig: WarehouseRig
    ) -> None:
        first, second, *_ = await opened(rig, publish=True)
        row = answer_row(first, TASK)
        again = replace(row, provenance=replace(row.provenance, attempt=2))
        await rig.writer.write([row, again, embedding_row(first), dead_row(second, TASK)])
        await rig.writer.write([row])
        cost = await rig.runs.cost("run-1")
        await balance_of(rig)
        assert (cost.input_tokens, cost.output_tokens, cost.cost_usd_micros) == (310, 60, 22)
        assert (await rig.runs.cost("other")).cost_usd_micros == 0

    async def test_a_task_without_a_model_cannot_be_remembered(self, rig: WarehouseRig) -> None:
        with pytest.raises(ConfigurationError, match="signs"):
            await rig.runs.remember_task(replace(task(), model=""), now=NOW)
