"""One row that cannot be written: its part is a dead letter, and the others are durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sightline.errors import (
    InternalError,
    PermanentError,
    Reason,
    TransientError,
    UnwritableRowsError,
)
from sightline.model import Usage
from sightline.ports import (
    ClassificationRow,
    DeadLetterRow,
    Delivery,
    EmbeddingRow,
    Provenance,
    ResultRow,
)
from sightline.wire import MAX_BODY_BYTES, encode
from tests.worker.ledger import MOMENT
from tests.worker.signs import ANSWER, EMBED, message, observation
from tests.worker.world import FakeModels, World
from worker.calls.retry import Backoff
from worker.leaser import Lease
from worker.results.dead_letter_builder import DeadLetterBuilder, Identity
from worker.results.row_writer import RowWriter

KINDS = [ClassificationRow, EmbeddingRow, DeadLetterRow]
IsBad = Callable[[ResultRow], bool]


def unforeseen(world: World, is_bad: IsBad) -> None:
    """Let the store fail as a whole, with an error of its own, when a bad row is among others."""
    write = world.store.write

    async def fails(rows: Sequence[ResultRow]) -> None:
        if any(is_bad(row) for row in rows):
            raise OverflowError("int too big to convert")
        await write(rows)

    world.store.write = fails  # type: ignore[method-assign]  # as above


def named(world: World, is_bad: IsBad) -> None:
    """Let the store write what it can, and name the bad rows."""
    write = world.store.write

    async def names(rows: Sequence[ResultRow]) -> None:
        await write([row for row in rows if not is_bad(row)])
        bad = {at: "int too big to convert" for at, row in enumerate(rows) if is_bad(row)}
        if bad:
            raise UnwritableRowsError(bad)

    world.store.write = names  # type: ignore[method-assign]  # as above


def of_subject(kind: type[Any], subject: str) -> IsBad:
    """Return what is true of the rows of a kind about a subject; of plain letters it is not."""

    def is_bad(row: ResultRow) -> bool:
        own = isinstance(row, kind) and row.part_key in message(int(subject[1:])).part_keys()
        return own and not (isinstance(row, DeadLetterRow) and "cannot be stored" in row.detail)

    return is_bad


async def one_fails(subject: str) -> None:
    if subject == "o3":
        raise PermanentError(Reason.IMAGE_GONE, "no such file", cost_usd_micros=7)


@pytest.mark.parametrize("refuses", [unforeseen, named])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_row_of_each_kind_that_cannot_be_written_takes_no_other_with_it(
    kind: type[ResultRow], refuses: Callable[[World, IsBad], None]
) -> None:
    world = World(models=FakeModels(on_classify=one_fails if kind is DeadLetterRow else no_failure))
    refuses(world, of_subject(kind, "o3"))
    world.put(*range(60))
    await world.runner().run(drain=True)
    (dead,) = world.store.dead()
    assert len(world.store.results()) == 119
    assert len(world.queue.acked) == 60
    assert world.queue.deliveries == 60
    assert "int too big to convert" in dead.detail
    assert dead.detail.isascii()
    if kind is DeadLetterRow:
        assert (dead.reason, dead.usage.cost_usd_micros) == (Reason.IMAGE_GONE, 7)
    else:
        part = ANSWER if kind is ClassificationRow else EMBED
        assert (dead.reason, dead.part_key) == (Reason.ANSWER_INVALID, part.key("o3"))
        assert '"o3"' in dead.body
        assert dead.body.count('"task":') + dead.body.count('"embed":') == 1
    assert world.progress.dead.total() == 1


async def no_failure(subject: str) -> None:
    return None


@pytest.mark.parametrize("refuses", [unforeseen, named])
async def test_several_bad_rows_are_found(refuses: Callable[[World, IsBad], None]) -> None:
    world = World()
    first, last = of_subject(EmbeddingRow, "o0"), of_subject(ClassificationRow, "o59")
    refuses(world, lambda row: first(row) or last(row))
    world.put(*range(60))
    await world.runner().run(drain=True)
    assert {row.part_key for row in world.store.dead()} == {EMBED.key("o0"), ANSWER.key("o59")}
    assert len(world.store.results()) == 118


@pytest.mark.parametrize("refuses", [unforeseen, named])
async def test_a_ledger_that_takes_no_row_stops_the_worker_and_gives_up_next_to_nothing(
    refuses: Callable[[World, IsBad], None],
) -> None:
    world = World(settings=replace(World().settings, flush_s=0.05))
    refuses(world, lambda row: isinstance(row, EmbeddingRow))
    world.put(*range(60))
    world.queue.redeliver = False
    with pytest.raises(InternalError, match=r"rows of embeddings in a row cannot be written"):
        await world.runner().run(drain=True)
    assert world.queue.leased == {}
    assert len(world.store.dead()) < 50


async def test_only_refusals_in_a_row_are_held_against_a_ledger() -> None:
    world = World()
    named(world, of_subject(EmbeddingRow, "o1"))
    world.put(1, 2)
    rows = RowWriter(
        world.store,
        DeadLetterBuilder(world.progress, Identity("w", lambda: MOMENT, lambda: "e", lambda: 0.5)),
        world.progress,
        Backoff(0.0, 0.0),
        most_refused=2,
        random=lambda: 0.5,
    )

    async def write(number: int) -> None:
        body = encode(message(number))
        lease = Lease(Delivery("l", "m", body, {}, 1), 0.0)
        how = Provenance(Usage(), 1, 1, "run", "w", MOMENT)
        key, where = EMBED.key(f"o{number}"), observation(number)
        await rows.write(
            [(lease, EmbeddingRow(key, where.asset_id, where, EMBED, [1.0, 0.0], how))]
        )

    for _ in range(5):
        await write(1)
        await write(2)
    await write(1)
    with pytest.raises(InternalError, match="2 rows of embeddings in a row"):
        await write(1)


async def test_a_store_out_of_reach_while_a_bad_row_is_looked_for_is_waited_for() -> None:
    world = World()
    unforeseen(world, of_subject(EmbeddingRow, "o1"))
    fails = world.store.write
    outages = 3

    async def write(rows: Sequence[ResultRow]) -> None:
        nonlocal outages
        if len(rows) < 4 and outages:
            outages -= 1
            raise TransientError("out of reach")
        await fails(rows)

    world.store.write = write  # type: ignore[method-assign]  # as above
    world.put(*range(4))
    await world.runner().run(drain=True)
    assert len(world.store.results()) == 7
    assert len(world.store.dead()) == 1
    assert outages == 0


async def test_a_message_too_long_for_a_ledger_is_a_dead_letter_without_its_body() -> None:
    world = World()
    unforeseen(world, lambda row: isinstance(row, DeadLetterRow) and len(row.body) > 8_000_000)
    world.queue.put(b"x" * (8 * MAX_BODY_BYTES))
    world.put(1)
    await world.runner().run(drain=True)
    (dead,) = world.store.dead()
    assert (dead.reason, dead.body) == (Reason.BAD_MESSAGE, "")
    assert len(world.queue.acked) == 2


HUGE = 2**64 - 1


@pytest.mark.parametrize("cost", [HUGE, -1, 1.5, True, None, "7"])
async def test_a_usage_that_no_call_can_have_is_a_dead_letter_and_is_not_charged(
    cost: object,
) -> None:
    world = World(models=FakeModels(cost=cost))  # type: ignore[arg-type]  # as an adapter may say
    world.ledger.set(cost=10**9)
    world.price(input_usd=1.0, output_usd=1.0)
    world.put(*range(3))
    await world.runner().run(drain=True)
    assert {row.reason for row in world.store.dead()} == {Reason.ANSWER_INVALID}
    assert {row.part_key for row in world.store.dead()} == {ANSWER.key(f"o{n}") for n in range(3)}
    assert {row.part_key for row in world.store.results()} == {EMBED.key(f"o{n}") for n in range(3)}
    assert {row.usage for row in world.store.dead()} == {Usage()}
    spent = world.ledger.reserved().cost_usd_micros
    assert 0 < spent < 10**6, "as estimated before the calls"


async def test_a_failure_with_a_cost_that_cannot_be_keeps_its_reason() -> None:
    async def gone(subject: str) -> None:
        raise PermanentError(Reason.IMAGE_GONE, "gone", input_tokens=HUGE, cost_usd_micros=-5)

    world = World(models=FakeModels(on_classify=gone))
    world.put(1)
    await world.runner().run(drain=True)
    (dead,) = world.store.dead()
    assert (dead.reason, dead.usage) == (Reason.IMAGE_GONE, Usage())


@pytest.mark.parametrize("vector", [(float("nan"), 0.0), (1e39, 0.0), (float("-inf"), 0.0), (1.0,)])
async def test_a_vector_that_four_bytes_cannot_hold_is_a_dead_letter(
    vector: Sequence[float],
) -> None:
    world = World(models=FakeModels(vector=vector))
    world.put(1)
    await world.runner().run(drain=True)
    (dead,) = world.store.dead()
    assert (dead.reason, dead.part_key) == (Reason.ANSWER_INVALID, EMBED.key("o1"))
    assert len(world.store.results()) == 1


async def test_a_detail_that_is_no_unicode_is_stored_all_the_same() -> None:
    async def gone(subject: str) -> None:
        raise PermanentError(Reason.IMAGE_GONE, "nothing at file:///\udcff.jpg")

    world = World(models=FakeModels(on_classify=gone))
    world.put(1)
    await world.runner().run(drain=True)
    assert world.store.dead()[0].detail == r"nothing at file:///\udcff.jpg"
