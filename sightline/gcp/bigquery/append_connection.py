"""One ``AppendRows`` call: sends requests in order, and receives their responses in that order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

CLOSE_S = 10.0
"""How long a closing connection waits for outstanding responses."""


class AppendConnection:
    """An open call. It is over as soon as either side ends it; the caller then opens another.

    Cancelling a sender does not affect the connection: its response is received and dropped. The
    callers limit how many requests wait here (``TableStream``).
    """

    def __init__(self, call: Any, prepare: Callable[[Any], None]) -> None:
        """Take a GAPIC stream, and a function that completes the first request of a connection."""
        self._call = call
        self._prepare: Callable[[Any], None] | None = prepare
        self._outgoing: asyncio.Queue[tuple[Any, asyncio.Future[Any]] | None] = asyncio.Queue()
        self._unanswered: deque[asyncio.Future[Any]] = deque()
        self._closing = False
        self._over = False
        self._running = asyncio.create_task(self._run())

    @property
    def over(self) -> bool:
        """Whether no more requests can be sent."""
        return self._closing or self._over

    async def send(self, request: Any) -> Any:
        """Send a request and return its response.

        Raises:
            GoogleAPICallError: the connection ended before the response arrived.
        """
        from google.api_core.exceptions import Aborted

        if self.over:
            raise Aborted("the connection is closed")  # type: ignore[no-untyped-call]  # untyped there
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._outgoing.put_nowait((request, answer))
        return await answer

    async def close(self) -> None:
        """End the call after all outstanding responses have arrived, or after ``CLOSE_S``."""
        self._closing = True
        self._outgoing.put_nowait(None)
        try:
            await asyncio.wait([self._running], timeout=CLOSE_S)
        finally:
            await self.abort()

    async def abort(self) -> None:
        """End the call immediately; unanswered requests fail."""
        if not self._over:  # otherwise it is already ending by itself
            self._running.cancel()
        await asyncio.wait([self._running])
        if not self._running.cancelled():
            self._running.result()

    async def _run(self) -> None:
        from google.api_core.exceptions import Aborted

        failure: Exception = Aborted("the connection was closed")  # type: ignore[no-untyped-call]  # untyped there
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._write())
                await self._read()
                writing.cancel()
        except* Exception as errors:  # noqa: BLE001 - raised to all callers that wait for a response
            failure = _first(errors)
        finally:
            self._over = True
            self._fail_all(failure)

    async def _read(self) -> None:
        import grpc.aio

        while (response := await self._call.read()) is not grpc.aio.EOF:
            answer = self._unanswered.popleft() if self._unanswered else None
            if answer is not None and not answer.done():
                answer.set_result(response)

    async def _write(self) -> None:
        from google.api_core.exceptions import GoogleAPICallError

        try:
            while (entry := await self._outgoing.get()) is not None:
                request, answer = entry
                self._unanswered.append(answer)
                if self._prepare is not None:
                    self._prepare(request)
                    self._prepare = None
                await self._call.write(request)
            await self._call.done_writing()
        except (GoogleAPICallError, asyncio.InvalidStateError):
            return  # the call is over, and the reader receives the reason

    def _fail_all(self, failure: Exception) -> None:
        while not self._outgoing.empty():
            entry = self._outgoing.get_nowait()
            if entry is not None:
                self._unanswered.append(entry[1])
        while self._unanswered:
            answer = self._unanswered.popleft()
            if not answer.done():
                answer.set_exception(failure)


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
