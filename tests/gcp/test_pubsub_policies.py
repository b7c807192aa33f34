"""The logic of the Pub/Sub adapters without a network: sizes, failures, retries, buffered pulls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from google.api_core import exceptions as google
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.gcp.failures import PUBSUB
from sightline.gcp.pubsub import PubSubPlace, PubSubPublisher, PubSubSubscription, PullRule
from sightline.gcp.pubsub.chunks import ack_chunks, batches, message_bytes
from sightline.gcp.pubsub.pull_buffer import PullBuffer
from sightline.gcp.pubsub.setup import QueueShape, subscription_request
from sightline.gcp.retry import RetryRule
from sightline.ports import Delivery, Outgoing

# --- sizes ------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 4_000_000), max_size=40))
def test_batches_keep_the_order_and_the_limits(sizes: list[int]) -> None:
    blank = memoryview(bytes(4_000_000))
    messages = [Outgoing(bytes(blank[:size]), {"n": str(n)}) for n, size in enumerate(sizes)]
    cut = list(batches(messages))
    assert [message.attributes["n"] for batch in cut for message in batch] == [
        str(n) for n in range(len(sizes))
    ]
    assert all(sum(map(message_bytes, batch)) <= 9_000_000 for batch in cut)


def test_a_batch_has_a_thousand_messages_at_most() -> None:
    assert [len(batch) for batch in batches([Outgoing(b"x", {})] * 2_001)] == [1_000, 1_000, 1]


def test_an_oversized_message_is_a_batch_of_its_own() -> None:
    large = Outgoing(bytes(9_500_000), {})
    small = Outgoing(b"x", {})
    assert [len(batch) for batch in batches([small, large, small])] == [1, 1, 1]


def test_ack_ids_are_sent_in_chunks_of_a_thousand_and_half_a_mebibyte() -> None:
    assert [len(chunk) for chunk in ack_chunks(["x"] * 2_500)] == [1_000, 1_000, 500]
    long = [f"{n:04}" + "x" * 1_000 for n in range(1_000)]
    chunks = list(ack_chunks(long))
    assert [ack_id for chunk in chunks for ack_id in chunk] == long
    assert all(sum(map(len, chunk)) < 512 * 1024 for chunk in chunks)


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "next_step"),
    [
        (google.NotFound("x"), ConfigurationError, "create it"),
        (google.Unauthenticated("x"), ConfigurationError, "gcloud auth"),
        (google.PermissionDenied("x"), ConfigurationError, "roles/pubsub"),
        (google.InvalidArgument("x"), ConfigurationError, "compare"),
        (google.FailedPrecondition("x"), ConfigurationError, "compare"),
        (DefaultCredentialsError("x"), ConfigurationError, "gcloud auth"),
        (google.ServiceUnavailable("x"), TransientError, "again"),
        (google.DeadlineExceeded("x"), TransientError, "again"),
        (google.ResourceExhausted("x"), TransientError, "again"),
        (google.InternalServerError("x"), TransientError, "again"),
        (google.Aborted("x"), TransientError, "again"),
        (google.Cancelled("x"), TransientError, "again"),
        (google.Unknown("x"), TransientError, "again"),
        (TransportError("x"), TransientError, "again"),
    ],
)
def test_a_refusal_becomes_a_sightline_error_with_the_next_step(
    error: Exception, kind: type[SightlineError], next_step: str
) -> None:
    with pytest.raises(kind) as raised, PUBSUB.translated("topic t"):
        raise error
    assert "topic t" in str(raised.value)
    assert next_step in str(raised.value).rsplit(";", 1)[-1]
    assert "\n" not in str(raised.value)


def test_the_server_s_retry_delay_is_kept() -> None:
    info = RetryInfo(retry_delay=Duration(seconds=3, nanos=500_000_000))
    with pytest.raises(TransientError) as raised, PUBSUB.translated("topic t"):
        raise google.ResourceExhausted("x", details=[info])
    assert raised.value.retry_after_s == 3.5


# --- retries ----------------------------------------------------------------------------------


class Calls:
    """A call that raises the given failures in order, and a sleep that only records its time."""

    def __init__(self, *failures: SightlineError) -> None:
        self.failures = list(failures)
        self.made = 0
        self.slept: list[float] = []

    async def __call__(self) -> None:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def rule(self) -> RetryRule:
        return RetryRule(
            tries=4, backoff_s=1, max_backoff_s=3, random=lambda: 0.5, sleep=self.sleep
        )


async def test_a_transient_failure_is_retried_after_growing_delays() -> None:
    calls = Calls(*[TransientError("no")] * 3)
    await calls.rule().run(calls)
    assert (calls.made, calls.slept) == (4, [0.5, 1.0, 1.5])


async def test_the_server_s_retry_delay_is_the_minimum() -> None:
    calls = Calls(TransientError("no", retry_after_s=20))
    await calls.rule().run(calls)
    assert calls.slept == [20]


async def test_the_last_failure_is_raised() -> None:
    calls = Calls(*[TransientError(f"no {n}") for n in range(9)])
    with pytest.raises(TransientError, match="no 3"):
        await calls.rule().run(calls)


async def test_a_failure_that_a_retry_cannot_fix_is_raised_immediately() -> None:
    calls = Calls(ConfigurationError("no"))
    with pytest.raises(ConfigurationError):
        await calls.rule().run(calls)
    assert (calls.made, calls.slept) == (1, [])


# --- batches of which some fail ---------------------------------------------------------------


class Flaky:
    """A client whose calls fail a given number of times, by the first item in the call."""

    def __init__(self, **failing: int) -> None:
        self.failing = failing
        self.seen: list[str] = []

    async def publish(self, *, request: Any, retry: None, timeout: float) -> None:
        self._call(request.messages[0].data.decode())

    async def acknowledge(self, *, request: Any, retry: None, timeout: float) -> None:
        self._call(request["ack_ids"][0])

    def _call(self, first: str) -> None:
        self.seen.append(first)
        if self.failing.get(first):
            self.failing[first] -= 1
            raise google.ServiceUnavailable("no")


PLACE = PubSubPlace("any-project", "work", "workers")


def three_batches() -> list[Outgoing]:
    return [Outgoing(f"b{n // 1000}".encode(), {}) for n in range(2_500)]


async def test_only_the_batch_that_failed_is_published_again() -> None:
    client = Flaky(b1=2)
    publisher = PubSubPublisher(cast("Any", client), PLACE, Calls().rule(), 1.0)
    assert await publisher.publish(three_batches(), batch_key="k") == 2_500
    assert sorted(client.seen) == ["b0", "b1", "b1", "b1", "b2"]


async def test_a_batch_that_keeps_failing_is_reported_after_all_others_were_published() -> None:
    client = Flaky(b0=99, b2=99)
    publisher = PubSubPublisher(cast("Any", client), PLACE, Calls().rule(), 1.0)
    with pytest.raises(TransientError, match=r"^1500 of 2500 messages were not published"):
        await publisher.publish(three_batches(), batch_key="k")
    assert client.seen.count("b1") == 1


async def test_a_chunk_of_acks_that_fails_is_sent_again_and_the_others_are_not() -> None:
    client = Flaky(a1=1)
    subscription = PubSubSubscription(
        cast("Any", client), PLACE, PullRule(), Calls().rule(), lambda: 0.0, lambda: 0.0
    )
    await subscription.ack([*(f"m{n}:a{n}" for n in range(1, 2_500)), "not ours"])
    assert sorted(client.seen) == ["a1", "a1", "a1001", "a2001"]


# --- buffered pulls ---------------------------------------------------------------------------


class Server:
    """Answers pulls when ``answer`` is called."""

    def __init__(self) -> None:
        self.pulls: list[tuple[int, asyncio.Future[list[Delivery]]]] = []
        self.extended: list[str] = []
        self.now_s = 0.0

    async def pull(self, ask: int, lease_s: float) -> Sequence[Delivery]:
        answer: asyncio.Future[list[Delivery]] = asyncio.get_running_loop().create_future()
        self.pulls.append((ask, answer))
        return await answer

    async def extend(self, deliveries: Sequence[Delivery], lease_s: float) -> None:
        self.extended += [lease.lease_id for lease in deliveries]

    def buffer(self, *, in_flight: int = 4) -> PullBuffer:
        return PullBuffer(
            self.pull,
            self.extend,
            in_flight=in_flight,
            wait_s=0.0,
            monotonic=lambda: self.now_s,
        )

    async def answer(self, index: int, count: int) -> None:
        """Let a pull return ``count`` messages, named after the pull."""
        self.pulls[index][1].set_result([delivery(f"{index}-{n}") for n in range(count)])
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def delivery(name: str) -> Delivery:
    return Delivery(name, name, b"", {}, 1)


async def test_a_large_request_is_split_into_several_pulls() -> None:
    server = Server()
    buffer = server.buffer()
    assert await buffer.take(4_000, lease_s=30) == []
    await asyncio.sleep(0)
    assert [ask for ask, _ in server.pulls] == [1_000] * 4
    await buffer.close()


async def test_a_small_request_is_one_pull() -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(30, lease_s=30)
    await asyncio.sleep(0)
    assert [ask for ask, _ in server.pulls] == [30]
    await buffer.close()


async def test_messages_that_arrive_after_the_wait_are_returned_by_the_next_call() -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(10, lease_s=30)
    await asyncio.sleep(0)
    await server.answer(0, 3)
    assert [message.lease_id for message in await buffer.take(10, lease_s=30)] == [
        "0-0",
        "0-1",
        "0-2",
    ]
    await buffer.close()


async def test_no_more_messages_are_requested_than_wanted() -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(100, lease_s=30)
    await buffer.take(60, lease_s=30)
    await asyncio.sleep(0)
    assert sum(ask for ask, _ in server.pulls) == 100
    await server.answer(0, 50)
    assert len(await buffer.take(20, lease_s=30)) == 20
    assert len(server.pulls) == 2
    assert len(await buffer.close()) == 30


async def test_messages_past_half_their_lease_are_extended_before_they_are_returned() -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(10, lease_s=30)
    await asyncio.sleep(0)
    await server.answer(0, 2)
    server.now_s += 16
    assert len(await buffer.take(1, lease_s=30)) == 1
    assert server.extended == ["0-0", "0-1"]
    await buffer.close()


async def test_messages_whose_lease_expired_are_not_returned() -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(10, lease_s=30)
    await asyncio.sleep(0)
    await server.answer(0, 2)
    server.now_s += 30
    assert await buffer.take(10, lease_s=30) == []
    assert await buffer.close() == []


async def test_a_failed_pull_is_raised_if_no_message_arrived() -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(10, lease_s=30)
    await asyncio.sleep(0)
    server.pulls[0][1].set_exception(TransientError("out of reach"))
    await asyncio.sleep(0)
    with pytest.raises(TransientError, match="out of reach"):
        await buffer.take(10, lease_s=30)
    await buffer.close()


async def test_a_pull_with_an_unforeseen_failure_hides_no_message_on_closing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server()
    buffer = server.buffer()
    await buffer.take(4_000, lease_s=30)
    await asyncio.sleep(0)
    server.pulls[0][1].set_exception(ZeroDivisionError("unforeseen"))
    await server.answer(1, 3)
    assert len(await buffer.close()) == 3, "they are returned to the queue"
    assert "unforeseen" in caplog.text


async def test_a_take_that_is_cancelled_loses_no_message() -> None:
    server = Server()
    buffer = PullBuffer(
        server.pull, server.extend, in_flight=1, wait_s=3600.0, monotonic=lambda: server.now_s
    )
    taking = asyncio.create_task(buffer.take(10, lease_s=30))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    await server.answer(0, 2)
    assert len(await buffer.take(10, lease_s=30)) == 2
    await buffer.close()


def test_a_subscription_has_a_retry_policy_except_on_emulators() -> None:
    place = PubSubPlace("a-project", "work", "work", "abandoned")
    real = subscription_request(QueueShape(place, "abandoned"), place.subscription_path)
    assert real["retry_policy"] == {
        "minimum_backoff": {"seconds": 1},
        "maximum_backoff": {"seconds": 60},
    }
    emulated = QueueShape(replace(place, endpoint="127.0.0.1:1"), "abandoned")
    rest = {name: value for name, value in real.items() if name != "retry_policy"}
    assert subscription_request(emulated, place.subscription_path) == rest
