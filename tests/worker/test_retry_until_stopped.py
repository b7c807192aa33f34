"""What cannot be read for a moment is read again, with growing pauses, until a stop."""

from __future__ import annotations

import asyncio

import pytest

from sightline.errors import ConfigurationError, TransientError
from worker.calls.retry import Backoff
from worker.concurrency.retry_until_stopped import RetryUntilStopped


def retry(stopping: asyncio.Event) -> RetryUntilStopped:
    return RetryUntilStopped(Backoff(0.001, 0.01), lambda: 1.0, stopping)


async def test_a_read_succeeds_once_the_store_is_back(caplog: pytest.LogCaptureFixture) -> None:
    failures = iter([TransientError("out of reach"), TransientError("out of reach")])

    async def read() -> int:
        for error in failures:
            raise error
        return 7

    assert await retry(asyncio.Event()).read("the ledgers cannot be read", read) == 7
    pauses = [record.getMessage() for record in caplog.records]
    assert len(pauses) == 2
    assert "the ledgers cannot be read, trying again in 0.0 s: out of reach" in pauses


async def test_a_stop_ends_the_waiting() -> None:
    stopping = asyncio.Event()
    waiting = RetryUntilStopped(Backoff(3600.0, 3600.0), lambda: 1.0, stopping)

    async def read() -> int:
        asyncio.get_running_loop().call_soon(stopping.set)
        raise TransientError("out of reach")

    with pytest.raises(TransientError):
        await waiting.read("the ledgers cannot be read", read)


async def test_what_trying_again_does_not_mend_is_raised_at_once() -> None:
    calls = []

    async def read() -> int:
        calls.append(1)
        raise ConfigurationError("no permission; grant it")

    with pytest.raises(ConfigurationError):
        await retry(asyncio.Event()).read("the ledgers cannot be read", read)
    assert len(calls) == 1
