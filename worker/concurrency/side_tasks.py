"""Tasks that run as long as the worker; one that ends by itself is reported immediately."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

from sightline.errors import InternalError, SightlineError
from sightline.http_client.redaction import one_line

Work = Callable[[], Coroutine[Any, Any, None]]
"""Starts a side task's work."""

SideTask = asyncio.Task[SightlineError | None]
"""Its result is the error that was reported; ``None`` if it was allowed to end."""


def never() -> bool:
    """Return false: a task that may not end while the worker lives."""
    return False


class SideTasks:
    """Owns side tasks: all end with the block, and none ends unnoticed.

    ``on_end`` is called in the task that ended, with an error that is ready to be raised.
    """

    def __init__(self, on_end: Callable[[SightlineError], None]) -> None:
        self._on_end = on_end
        self._tasks: list[SideTask] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end(*self._tasks)

    def start(self, name: str, work: Work, *, may_end: Callable[[], bool] = never) -> SideTask:
        """Start a task; when it returns, ``may_end`` decides whether it was allowed to."""
        task = asyncio.create_task(self._run(name, work, may_end), name=name)
        self._tasks.append(task)
        return task

    async def end(self, *tasks: SideTask) -> None:
        """Cancel tasks, and wait until they have ended."""
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(
        self, name: str, work: Work, may_end: Callable[[], bool]
    ) -> SightlineError | None:
        failure: BaseException | None = None
        try:
            await work()
        except (Exception, asyncio.CancelledError) as error:
            if was_cancelled(error):
                raise
            failure = error
        if failure is None and may_end():
            return None
        reported = as_reported(name, failure)
        self._on_end(reported)
        return reported


async def endless(work: Coroutine[Any, Any, None]) -> None:
    """Run work that should last as long as the worker, in a group of tasks.

    Raises:
        InternalError: it ended by itself.
    """
    await work
    raise as_reported("the side tasks", None)


def was_cancelled(error: BaseException) -> bool:
    """Return whether an error is the requested cancellation of this task.

    A future that was cancelled raises the same error in the task that awaits it: that is a failure.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def as_reported(name: str, error: BaseException | None) -> SightlineError:
    """Return the error with which the worker ends after one of its parts ended with this error.

    Errors that say what to do next are unchanged. ``None`` means that the part ended without error.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SightlineError):
        return error
    how = "ended by itself" if error is None else f"failed ({described(error)})"
    reported = InternalError(
        f"internal error: {name} {how}; the messages went back to the queue: start the worker"
        " again, and report what `sightline --debug work` prints"
    )
    reported.__cause__ = error
    return reported


def described(error: BaseException) -> str:
    """Return the type and the text of an error on one line, without secrets, in ASCII."""
    text = one_line(str(error))
    return ascii(f"{type(error).__name__}: {text}" if text else type(error).__name__)[1:-1]
