"""Limits on how often a visitor may do what is expensive."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from fastapi import Request

from sightline.web.access.roles import PageRole, Visitor
from sightline.web.errors import RequestRefusedError

MOST_VISITORS = 10_000
"""The visitors that are remembered; one that was not seen for longest starts again."""


class RateLimit:
    """A token bucket for each visitor: ``burst`` at once, and ``per_s`` on average."""

    def __init__(
        self, per_s: float, burst: int, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now_s = now_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Count a request.

        Raises:
            RequestRefusedError: the visitor made too many.
        """
        now = self._now_s()
        left, at = self._left.get(name, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_s)
        if left < 1:
            raise RequestRefusedError(
                HTTPStatus.TOO_MANY_REQUESTS, "too many requests; wait a few seconds, and try again"
            )
        self._left[name] = (left - 1, now)
        self._left.move_to_end(name)
        if len(self._left) > MOST_VISITORS:
            self._left.popitem(last=False)


def limited(per_s: float, burst: int) -> Callable[[Request], None]:
    """Return a dependency that limits a route."""
    limit = RateLimit(per_s, burst)

    def check(request: Request) -> None:
        visitor: Visitor = request.state.visitor
        limit.take(visitor.name)

    return check


def needs(role: PageRole) -> Callable[[Request], Visitor]:
    """Return a dependency that refuses visitors with a lesser role, and returns the visitor."""

    def check(request: Request) -> Visitor:
        visitor: Visitor = request.state.visitor
        if visitor.role < role:
            raise RequestRefusedError(
                HTTPStatus.FORBIDDEN,
                f"this needs the role {role.title}, and you are {visitor.role.title}; ask an owner"
                " of the project",
            )
        return visitor

    return check
