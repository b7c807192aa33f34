"""The progress of a worker for display: rates, the remaining work, and the remaining time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from sightline.operations.watching.trend import LEAST_SPAN_S, History, Trend
from worker.limiting import LimiterSnapshot
from worker.progress import Progress
from worker.worker_status import Kind

NOW_S = 10.0
"""The present rate is that of this many seconds."""

LATELY_S = 60.0
LEFT_S = 120.0
CURVE_EVERY_S, CURVE_POINTS = 5.0, 36

Unit = Literal["messages", "parts"]


@dataclass(frozen=True, slots=True)
class LimiterView:
    """A limiter; ``rate_per_s`` is ``None`` without a ceiling, ``curve`` its last minutes."""

    state: str
    rate_per_s: float | None
    in_flight: int
    cap: int
    share_refused: float
    curve: tuple[float, ...]
    belief: str = ""


@dataclass(frozen=True, slots=True)
class WorkView:
    """A worker at one moment. Unknown values are ``None``."""

    worker_id: str
    seconds: float
    stopping: bool
    limiters: Mapping[Kind, LimiterView]
    messages: int
    messages_per_s: float | None
    messages_per_s_average: float | None
    answers: int
    embeddings: int
    calls: int
    share_refused: float | None
    retries: int
    leased: int
    leases_lost: int
    left: int | None
    left_unit: Unit
    eta_s: float | None
    cost_usd: float
    cost_usd_per_hour: float | None
    dead: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, without the curves: readers have the earlier values."""
        values = {name: _plain(getattr(self, name)) for name in self.__slots__}
        names = ("state", "rate_per_s", "in_flight", "cap", "share_refused", "belief")
        values["limiters"] = {
            kind: {name: _plain(getattr(limiter, name)) for name in names}
            for kind, limiter in self.limiters.items()
        }
        return values | {"dead": dict(self.dead)}


def _plain(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


class WorkState:
    """Receives a worker's progress repeatedly, with the time; returns what to show."""

    def __init__(self, worker_id: str, started_s: float) -> None:
        self._worker_id = worker_id
        self._started_s = started_s
        self._messages = Trend(NOW_S)
        self._calls = Trend(LATELY_S)
        self._refused = Trend(LATELY_S)
        self._cost = Trend(LATELY_S)
        self._left = Trend(LEFT_S)
        self._left_unit: Unit = "messages"
        self._curves: dict[Kind, History] = {}

    def saw_left(self, now_s: float, left: int, unit: Unit) -> None:
        """Record how much is left of all runs, for all workers."""
        if unit != self._left_unit:
            self._left, self._left_unit = Trend(LEFT_S), unit
        self._left.saw(now_s, left)

    def view(
        self,
        now_s: float,
        progress: Progress,
        limiters: Mapping[Kind, LimiterSnapshot],
        *,
        leased: int = 0,
        stopping: bool = False,
    ) -> WorkView:
        """Record the worker's progress, and return what to show."""
        for trend, value in (
            (self._messages, progress.acked),
            (self._calls, progress.calls),
            (self._refused, progress.throttled),
            (self._cost, progress.cost_usd_micros),
        ):
            trend.saw(now_s, value)
        seconds = now_s - self._started_s
        cost_per_s = self._cost.per_s()
        left = self._left.latest
        return WorkView(
            worker_id=self._worker_id,
            seconds=seconds,
            stopping=stopping,
            limiters={
                kind: self._limiter(now_s, kind, limiter) for kind, limiter in limiters.items()
            },
            messages=progress.acked,
            messages_per_s=self._messages.per_s(),
            messages_per_s_average=progress.acked / seconds if seconds >= LEAST_SPAN_S else None,
            answers=progress.answers,
            embeddings=progress.embeddings,
            calls=progress.calls,
            share_refused=self._share_refused(),
            retries=progress.retries,
            leased=leased,
            leases_lost=progress.leases_lost,
            left=None if left is None else int(left),
            left_unit=self._left_unit,
            eta_s=self._left.zero_in_s(now_s),
            cost_usd=progress.cost_usd_micros / 1e6,
            cost_usd_per_hour=None if cost_per_s is None else cost_per_s * 3600 / 1e6,
            dead=dict(progress.dead),
        )

    def _limiter(self, now_s: float, kind: Kind, limiter: LimiterSnapshot) -> LimiterView:
        known = isfinite(limiter.rate_per_s)
        curve = self._curves.setdefault(kind, History(CURVE_EVERY_S, CURVE_POINTS))
        if known:
            curve.saw(now_s, limiter.rate_per_s)
        return LimiterView(
            str(limiter.state.value),
            limiter.rate_per_s if known else None,
            limiter.in_flight,
            limiter.cap,
            limiter.share_refused,
            curve.values,
            limiter.belief,
        )

    def _share_refused(self) -> float | None:
        calls, refused = self._calls.per_s(), self._refused.per_s()
        return refused / calls if calls and refused is not None else None
