"""The trend of a number: its rate over a sliding window, the time until zero, and its history."""

from __future__ import annotations

from collections import deque

LEAST_SPAN_S = 0.9
"""No rate is derived from a shorter time."""


class Trend:
    """A number over a sliding window. Times are passed in and never decrease."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, float]] = deque()

    def saw(self, now_s: float, value: float) -> None:
        """Record the number at this moment."""
        self._seen.append((now_s, value))
        while len(self._seen) > 2 and self._seen[1][0] <= now_s - self._window_s:
            self._seen.popleft()  # the rest spans the window

    @property
    def latest(self) -> float | None:
        """The last recorded number."""
        return self._seen[-1][1] if self._seen else None

    def per_s(self) -> float | None:
        """Return the increase per second; ``None`` while it is unknown."""
        if not self._seen:
            return None
        (began_s, first), (ended_s, last) = self._seen[0], self._seen[-1]
        span_s = ended_s - began_s
        return (last - first) / span_s if span_s >= LEAST_SPAN_S else None

    def zero_in_s(self, now_s: float) -> float | None:
        """Return the seconds until zero at the present rate; ``None`` if it does not fall."""
        rate = self.per_s()
        if self.latest == 0:
            return 0.0
        if rate is None or rate >= 0:
            return None
        ended_s, last = self._seen[-1]
        return max(0.0, ended_s + last / -rate - now_s)


class History:
    """A number at regular intervals, the last of each, for a small curve."""

    def __init__(self, every_s: float, most: int) -> None:
        self._every_s = every_s
        self._values: deque[float] = deque(maxlen=most)
        self._slot: int | None = None

    def saw(self, now_s: float, value: float) -> None:
        """Record the number at this moment."""
        slot = int(now_s // self._every_s)
        if slot == self._slot:
            self._values[-1] = value
        else:
            self._slot = slot
            self._values.append(value)

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers, oldest first."""
        return tuple(self._values)
