"""The producer: everything once, in ranges, resumed where it was killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import pytest

from producer.dead_letter_replayer import DeadLetterReplayer
from producer.publish import Producer
from producer.request import build_request, choose_tasks
from sightline.errors import NotFoundError, Reason
from sightline.model import (
    AnswerPart,
    EmbeddingPart,
    Filter,
    ListedMessage,
    Observation,
    Preview,
    Run,
    RunRequest,
    Usage,
    WorkItem,
    WorkRange,
)
from sightline.ports import DeadLetterFilter, DeadLetterRow, Outgoing, Runs
from sightline.settings import ModelSettings
from sightline.tasks import load_tasks, shipped_directory
from sightline.wire import RECHECK, REPLAY, Message, decode, encode

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)
PART = EmbeddingPart("m", 2)


@dataclass
class Source:
    """A work list of so many items in ranges of two, in memory."""

    count: int
    published: list[str] = field(default_factory=list)
    claimed: bool = False

    async def preview(self, request: RunRequest) -> Preview:
        return Preview(self.count, self.count, 0, 0, 0, self.count, self.count)

    async def open_run(self, request: RunRequest, *, run_id: str, now: datetime) -> Run:
        return Run(run_id, now, "open", self.count, self.count, "{}")

    async def unpublished(self, run_id: str) -> Sequence[WorkRange]:
        assert self.claimed
        ranges = [
            WorkRange(run_id, 0, start, min(start + 2, self.count))
            for start in range(0, self.count, 2)
        ]
        return [item_range for item_range in ranges if item_range.key not in self.published]

    async def items(self, work_range: WorkRange) -> Sequence[WorkItem]:
        return [
            WorkItem(
                work_range.run_id, 0, n, f"o{n}",
                (Observation(f"o{n}", "a", "s", "T", "gs://b/o"),), (PART,),
            )
            for n in range(work_range.start, work_range.stop)
        ]  # fmt: skip

    async def messages(self, work_range: WorkRange) -> Sequence[ListedMessage]:
        return [ListedMessage(encode(item), "T") for item in await self.items(work_range)]

    async def mark_published(self, work_range: WorkRange, *, now: datetime) -> None:
        self.published.append(work_range.key)

    async def locations(self, observation_ids: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def published_now(self, run_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(run_ids if self.claimed else ())

    @asynccontextmanager
    async def claim(self, run_id: str) -> AsyncIterator[None]:
        self.claimed = True
        yield
        self.claimed = False


@dataclass
class Bus:
    """A publisher that remembers, and that may die at a batch."""

    messages: list[Outgoing] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    die_at: int | None = None

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:
        if batch_key in self.keys:
            return 0
        self.keys.append(batch_key)
        self.messages.extend(messages)
        if len(self.keys) == self.die_at:
            raise KeyboardInterrupt
        return len(messages)


def producer(source: Source, bus: Bus, progress: list[tuple[int, int]] | None = None) -> Producer:
    return Producer(
        source,
        bus,
        now=lambda: MOMENT,
        new_run_id=lambda _now: "run",
        on_progress=lambda done, total: (
            progress.append((done, total)) if progress is not None else None
        ),
    )


REQUEST = RunRequest(Filter(), ())


async def test_every_item_is_published_once_and_progress_is_told() -> None:
    source, bus, progress = Source(5), Bus(), list[tuple[int, int]]()
    published_run = await producer(source, bus, progress).enqueue(REQUEST)
    assert published_run is not None
    assert (published_run.messages, published_run.total) == (5, 5)
    assert [decode(message.body).subject_id for message in bus.messages] == [
        f"o{n}" for n in range(5)
    ]
    assert not any(RECHECK in message.attributes for message in bus.messages)
    assert progress == [(2, 5), (4, 5), (5, 5)]


async def test_nothing_to_do_publishes_nothing() -> None:
    bus = Bus()
    assert await producer(Source(0), bus).enqueue(REQUEST) is None
    assert bus.messages == []


async def test_a_killed_run_goes_on_where_it_was_and_its_first_range_is_rechecked() -> None:
    source, bus = Source(6), Bus(die_at=2)
    with pytest.raises(KeyboardInterrupt):
        await producer(source, bus).enqueue(REQUEST)
    at_least_once = Bus()
    run = Run("run", MOMENT, "open", 6, 6, "{}")
    published_run = await producer(source, at_least_once).publish(run, resumed=True)
    assert published_run.messages == 4
    flags = [RECHECK in message.attributes for message in at_least_once.messages]
    assert flags == [True, True, False, False]
    assert {
        decode(message.body).subject_id for message in bus.messages + at_least_once.messages
    } == {f"o{n}" for n in range(6)}


async def test_a_queue_that_knows_the_batch_publishes_it_once() -> None:
    source, bus = Source(6), Bus(die_at=2)
    with pytest.raises(KeyboardInterrupt):
        await producer(source, bus).enqueue(REQUEST)
    bus.die_at = None
    await producer(source, bus).publish(Run("run", MOMENT, "open", 6, 6, "{}"), resumed=True)
    assert len(bus.messages) == 6


class LostForGood:
    """A run whose queue cannot be looked into: what is published again looks lost all the same."""

    def __init__(self, pages: Sequence[Sequence[WorkItem]]) -> None:
        self._pages = pages

    async def lost(self, run_id: str, *, page_items: int) -> AsyncIterator[Sequence[WorkItem]]:
        for page in self._pages:
            yield page


async def test_lost_parts_are_published_once_each_and_rechecked() -> None:
    source, bus = Source(3), Bus()
    items = await source.items(WorkRange("run", 0, 0, 3))
    runs = cast("Runs", LostForGood([items[:2], items[2:]]))
    assert await producer(source, bus).reconcile("run", runs) == 3
    assert [decode(message.body).subject_id for message in bus.messages] == ["o0", "o1", "o2"]
    assert all(RECHECK in message.attributes for message in bus.messages)
    assert len(set(bus.keys)) == 2


def test_the_request_holds_the_answers_of_the_tasks_and_the_embedding() -> None:
    known = load_tasks((shipped_directory(),))
    models = ModelSettings(classify="c", embed="e", embed_dimension=3)
    tasks = choose_tasks(known, [], models)
    assert {task.name for task in tasks} == {
        version.name for version in known.values() if version.asset_types
    }
    assert {"road_signs", "film_posters"} <= {task.name for task in tasks} < set(known)
    request = build_request(Filter(), tasks, models, embed=True, command="x")
    assert request.parts[-1].part == EmbeddingPart("e", 3)
    first = request.parts[0].part
    assert isinstance(first, AnswerPart)
    assert (first.model, first.fingerprint) == ("c", tasks[0].fingerprint)


def test_an_unknown_task_is_named_with_those_there_are() -> None:
    known = load_tasks((shipped_directory(),))
    with pytest.raises(NotFoundError, match=r"no task 'trees'; there are: describe, "):
        choose_tasks(known, ["trees"], ModelSettings())


@dataclass
class FakeDeadLetters:
    """Dead letters in memory."""

    rows: list[DeadLetterRow]
    events: list[DeadLetterRow] = field(default_factory=list)

    async def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        for row in self.rows:
            yield row

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        self.events.extend(events)


def letter(body: str) -> DeadLetterRow:
    return DeadLetterRow("e", "k", "m", "r", "o1", "dead", Reason.IMAGE_GONE, "gone", 1,
                         Usage(1, 2, 3), body, "w", MOMENT)  # fmt: skip


async def test_a_replay_publishes_first_and_records_after() -> None:
    body = ('{"v":1,"run_id":"r","subject_id":"o1","observations":[{"observation_id":"o1",'
            '"asset_id":"a","snapshot_id":"s","asset_type":"T","gcs_uri":"gs://b/o"}],'
            '"parts":[{"embed":{"model":"m","dimension":2}}]}')  # fmt: skip
    letters, bus = FakeDeadLetters([letter(body), letter("AAECAw==")]), Bus(die_at=1)
    replayer = DeadLetterReplayer(letters, bus, now=lambda: MOMENT, new_id=lambda: "id")
    with pytest.raises(KeyboardInterrupt):
        await replayer.replay(DeadLetterFilter())
    assert letters.events == []
    assert [message.attributes.get(REPLAY) for message in bus.messages] == ["1", "1"]
    assert bus.messages[0].body.decode() == body
    assert bus.messages[1].body == b"\x00\x01\x02\x03"


async def test_a_replay_sends_the_newest_location_of_an_image() -> None:
    old = [Observation(name, "a", "s", "T", f"file:///old/{name}") for name in ("o1", "o2")]
    moved, kept = (encode(Message("r", image.observation_id, (image,), (PART,))) for image in old)
    letters, bus = (
        FakeDeadLetters([letter(moved.decode()), letter(kept.decode()), letter("x")]),
        Bus(),
    )

    async def locations(observation_ids: Sequence[str]) -> Mapping[str, str]:
        assert observation_ids == ["o1", "o2"]
        return {"o1": "file:///new/o1"}

    replayer = DeadLetterReplayer(
        letters, bus, now=lambda: MOMENT, new_id=lambda: "id", locations=locations
    )
    assert await replayer.replay(DeadLetterFilter()) == 3
    assert bus.messages[0].body == moved.replace(b"/old/", b"/new/")
    assert bus.messages[1].body == kept
    assert await replayer.purge(DeadLetterFilter()) == 3


async def test_no_message_is_sent_of_runs_that_are_worked_off_by_statements() -> None:
    letters, bus = FakeDeadLetters([letter("x"), replace(letter("y"), run_id="r-2")]), Bus()
    replayer = DeadLetterReplayer(
        letters, bus, now=lambda: MOMENT, new_id=lambda: "id", by_statements=frozenset({"r-2"})
    )
    assert await replayer.replay(DeadLetterFilter()) == 2
    assert [message.attributes["run_id"] for message in bus.messages] == ["r"]
    assert [event.run_id for event in letters.events] == ["r", "r-2"]


async def test_dead_letters_of_an_engine_that_is_not_at_hand_stay_dead() -> None:
    letters, bus = FakeDeadLetters([letter("x"), replace(letter("y"), run_id="r-2")]), Bus()
    replayer = DeadLetterReplayer(
        letters, bus, now=lambda: MOMENT, new_id=lambda: "id", passed_by=frozenset({"r"})
    )
    assert await replayer.replay(DeadLetterFilter()) == 1
    assert replayer.passed == 1
    assert [event.run_id for event in letters.events] == ["r-2"]


async def test_a_purge_publishes_nothing_and_costs_nothing_twice() -> None:
    letters, bus = FakeDeadLetters([letter("x")]), Bus()
    replayer = DeadLetterReplayer(letters, bus, now=lambda: MOMENT, new_id=lambda: "id")
    assert await replayer.purge(DeadLetterFilter()) == 1
    assert [(event.event, event.usage) for event in letters.events] == [("purged", Usage())]
    assert bus.messages == []


async def test_a_replay_is_older_than_what_comes_of_it() -> None:
    times = iter(range(10))
    letters, bus = FakeDeadLetters([letter("x")]), Bus()
    published_at: list[int] = []

    class Clocked(Bus):
        async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:
            published_at.append(next(times))
            return await bus.publish(messages, batch_key=batch_key)

    def now() -> datetime:
        return datetime(2026, 5, 1, second=next(times), tzinfo=UTC)

    await DeadLetterReplayer(letters, Clocked(), now=now, new_id=lambda: "id").replay(
        DeadLetterFilter()
    )
    assert letters.events[0].at.second < published_at[0]
