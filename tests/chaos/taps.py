"""Ports with something in between: they kill their own process at a call, or refuse a write."""

from __future__ import annotations

import inspect
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.errors import TransientError
from sightline.ports import BudgetEventKind, ClassificationRow
from tests.chaos.plan import Death, Point, RefusedWrites

_WHERE = {
    Point.AFTER_PULL: ("subscription.pull", "after"),
    Point.AFTER_CALL: ("model.call", "after"),
    Point.BEFORE_WRITE: ("results.write", "before"),
    Point.AMID_WRITE: ("results.write", "before"),
    Point.AFTER_WRITE: ("results.write", "after"),
    Point.BEFORE_ACK: ("subscription.ack", "before"),
    Point.AFTER_ACK: ("subscription.ack", "after"),
    Point.AFTER_RESERVATION: ("budgets.record", "after"),
    Point.AFTER_OPEN: ("source.open_run", "after"),
    Point.AFTER_READING: ("source.messages", "after"),
    Point.AFTER_PUBLISH: ("publisher.publish", "after"),
    Point.AFTER_MARK: ("source.mark_published", "after"),
}
"""Which call of which port each point is at."""

Call = Callable[..., Awaitable[Any]]


@dataclass(slots=True)
class Diary:
    """What a process says of itself, a line at a time: nothing is lost when it is killed."""

    path: Path

    def note(self, what: str, **more: Any) -> None:
        """Append a line, with the time of the monotonic clock."""
        line = json.dumps({"what": what, "at_s": time.monotonic(), **more}) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, line.encode())
        os.close(file)


@dataclass(slots=True)
class Fate:
    """What is to befall one process, at which of its calls."""

    diary: Diary
    death: Death | None = None
    refused: RefusedWrites | None = None
    _seen: Counter[str] = field(default_factory=Counter)

    async def call(self, name: str, inner: Call, arguments: Any, named: Any) -> Any:
        """Make a call, and let happen what is to happen before it and after it."""
        if name == "results.write":
            return await self._write(inner, arguments[0])
        self._reach(name, "before", arguments)
        result = await inner(*arguments, **named)
        self._reach(name, "after", arguments)
        return result

    async def _write(self, inner: Call, rows: Sequence[Any]) -> None:
        self._seen["writes"] += 1
        number, refused = self._seen["writes"], self.refused
        if self._is_reached("results.write", "before", ()):
            if self.death and self.death.point is Point.AMID_WRITE:
                await inner([row for row in rows if isinstance(row, ClassificationRow)])
            self._die()
        if refused and refused.first <= number <= refused.last:
            if refused.durable:
                await inner(rows)
            self.diary.note("refused", rows=len(rows), durable=refused.durable)
            raise TransientError("the warehouse is out of reach for now; trying again")
        await inner(rows)
        self._reach("results.write", "after", ())

    def _reach(self, name: str, side: str, arguments: Any) -> None:
        if self._is_reached(name, side, arguments):
            self._die()

    def _is_reached(self, name: str, side: str, arguments: Any) -> bool:
        if self.death is None or _WHERE[self.death.point] != (name, side):
            return False
        if name == "budgets.record" and not any(
            event.event is BudgetEventKind.RESERVED for event in arguments[0]
        ):
            return False
        self._seen[f"{name} {side}"] += 1
        return self._seen[f"{name} {side}"] == self.death.nth

    def _die(self) -> None:
        assert self.death is not None
        self.diary.note("died", point=self.death.point.value)
        os.kill(os.getpid(), signal.SIGKILL)


class Tapped:
    """A port, each of whose coroutines goes by way of a fate; everything else is the port's own."""

    def __init__(self, port: object, name: str, fate: Fate) -> None:
        self._port = port
        self._name = name
        self._fate = fate

    def __getattr__(self, method: str) -> Any:
        """Return the port's own attribute, or its coroutine by way of the fate."""
        inner = getattr(self._port, method)
        if not inspect.iscoroutinefunction(inner):
            return inner
        name = "model.call" if self._name == "model" else f"{self._name}.{method}"

        async def call(*arguments: Any, **named: Any) -> Any:
            return await self._fate.call(name, inner, arguments, named)

        return call
