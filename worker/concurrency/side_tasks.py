"""Tasks that live as long as the worker: one that ends by itself is reported at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

from sightline.errors import InternalError, SightlineError
from sightline.http_client.redaction import one_line

Work = Callable[[], Coroutine[Any, Any, None]]
"""Begins what a side task does."""

SideTask = asyncio.Task[SightlineError | None]
"""Its result is what was reported of it; ``None`` when it was allowed to end."""


def never() -> bool:
    """Return false: a task that may not end while the worker lives."""
    return False


class SideTasks:
    """Owns side tasks: none outlives the block, and none ends in silence.

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
        """Begin a task; ``may_end`` is asked, once it has returned, whether it was allowed to."""
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
    """Do what is to last as long as the worker, in a group of such.

    Raises:
        InternalError: it ended by itself.
    """
    await work
    raise as_reported("what runs beside the work", None)


def was_cancelled(error: BaseException) -> bool:
    """Return whether an error is the cancellation of this task, which somebody asked for.

    A future that was cancelled raises the same in whoever waits for it: that is a failure.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def as_reported(name: str, error: BaseException | None) -> SightlineError:
    """Return the error that a worker ends with when a part of it has ended with this one.

    Errors that say what to do next stay as they are. ``None`` is an end without any error.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SightlineError):
        return error
    how = "ended by itself" if error is None else f"failed ({described(error)})"
    reported = InternalError(
        f"internal error: {name} {how}; what the worker held is given back: start it again, and"
        " report what `sightline --debug work` prints"
    )
    reported.__cause__ = error
    return reported


def described(error: BaseException) -> str:
    """Return the type and the text of an error on one line, without secrets, in ASCII."""
    text = one_line(str(error))
    return ascii(f"{type(error).__name__}: {text}" if text else type(error).__name__)[1:-1]
