"""A quota counted by the minute: when its minutes begin, and how many calls one admits.

Such a quota admits calls as fast as they come; when they are used up, it admits none until the next
minute begins. The end of such a block shows when a minute began; if the next one begins as
predicted, that is confirmed.
"""

from __future__ import annotations

from math import ceil, inf, log

MINUTE_S = 60.0
MARGIN_S = 0.05
SLACK_S = 1.0
"""The begin of a minute is searched for until it is known this precisely, in seconds."""

SPREAD = 0.7
"""The share of a minute over which its calls are spread: its begin may be known late."""

FASTER = 1.3
MORE = 1.1
"""If a minute ends before its calls are used up, the next one is tried this much faster."""

LOOK_CALLS = 300
"""The calls after which more per minute are tried: each trial costs some refusals."""

PROVEN = 7.0
FEWEST, MOST = 3, 14
"""The number of refusals in a row that show a used-up minute; more if refusals are usual."""

TRUSTED = 3
"""A begin predicted correctly this often needs no verification."""


class Minutes:
    """``known`` is whether the quota is counted by the minute."""

    def __init__(self) -> None:
        self._edge_s = -inf
        self._slack_s = inf
        self._hits = -1
        self._began_s = -inf
        self._sent = self._refused = 0
        self._blocked = False
        self._admits = 0
        self._tried_calls = 0
        self._speed = 1.0
        self._goal = inf

    @property
    def known(self) -> bool:
        """Whether minutes are known."""
        return self._hits >= 1

    @property
    def began_s(self) -> float | None:
        """The time when a minute began, if minutes are known."""
        return self._edge_s if self.known else None

    @property
    def mean_per_s(self) -> float:
        """The calls that a minute admits, per second of a minute."""
        return self._admits / MINUTE_S

    def remember(self, began_s: float) -> None:
        """Note a possible begin of a minute; confirmed if the next block ends as predicted."""
        self._edge_s, self._slack_s, self._hits = began_s + SLACK_S / 2.0, SLACK_S, 0

    def opened(self, shut_s: float, open_s: float) -> int:
        """Record that calls succeed again at ``open_s``, after a block since ``shut_s``.

        Return how many succeeded before the block.
        """
        minutes = round((open_s - self._edge_s) / MINUTE_S) if self._hits >= 0 else 0
        predicted_s = self._edge_s + minutes * MINUTE_S
        low_s, high_s = max(predicted_s - self._slack_s, shut_s), min(predicted_s, open_s)
        if minutes >= 1 and low_s <= high_s + MARGIN_S:
            if not self._blocked:
                self.blocked()
            self._edge_s, self._slack_s = high_s, max(high_s - low_s, 0.0)
            self._hits += 1
        else:
            self._edge_s, self._slack_s, self._hits = open_s, open_s - shut_s, 0
        admitted = self._sent - self._refused
        self._begin()
        return admitted

    def forget(self) -> None:
        """Record that the quota is not counted by the minute."""
        self._hits, self._goal = -1, inf

    def probe_s(self, now_s: float) -> tuple[float, bool]:
        """Return when a probe may find the next minute, and whether it verifies the prediction."""
        next_s = self._next_s(now_s)
        if self._slack_s > SLACK_S and next_s - self._slack_s / 2.0 > now_s + MARGIN_S:
            return next_s - self._slack_s / 2.0, False
        if self._hits < TRUSTED and next_s - now_s > MINUTE_S / 4:
            return (now_s + next_s) / 2.0, True
        return next_s, False

    def sent(self, now_s: float) -> bool:
        """Count a call; return whether it is a minute's first."""
        passed = self.known and now_s >= self._began_s + MINUTE_S
        if passed:
            self._pass_edge(now_s)
        self._sent += 1
        return passed

    def refused(self, sent_s: float) -> None:
        """Count a refusal."""
        if sent_s >= self._began_s:
            self._refused += 1

    def blocked(self) -> None:
        """Record that this minute admits no more calls."""
        self._blocked = True
        self._admits = max(self._sent - self._refused, 1)
        self._tried_calls = 0

    def blocked_calls(self, usual: float) -> int:
        """Return how many refusals in a row show a used-up minute."""
        return min(max(ceil(PROVEN / -log(usual)), FEWEST), MOST)

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next minute, if this one seems used up."""
        if not self.known or self._sent < self._goal or now_s >= self._began_s + MINUTE_S:
            return 0.0
        return self._began_s + MINUTE_S - now_s

    @property
    def beyond(self) -> bool:
        """Whether more calls succeeded than the previous minute admitted."""
        return not self._blocked and self._sent > MORE * self._admits + 1

    def pace_per_s(self, usual: float) -> float:
        """Return the rate at which this minute's calls are spread."""
        calls = (self._admits + 1) / (1.0 - usual)
        return self._speed * calls / (SPREAD * MINUTE_S)

    def set_goal(self, usual: float) -> None:
        """Decide how many calls to send in this minute."""
        known = self._tried_calls < LOOK_CALLS and self._admits < LOOK_CALLS
        self._goal = self._admits / (1.0 - usual) if known and not usual else inf

    def _pass_edge(self, now_s: float) -> None:
        accepted = self._sent - self._refused
        if self._blocked or self._sent >= self._goal:
            self._speed = 1.0
        else:
            self._speed = FASTER
            self._admits = max(accepted, 1)
        self._tried_calls += accepted
        self._edge_s += MINUTE_S * ((now_s - self._edge_s) // MINUTE_S)
        self._begin()

    def _begin(self) -> None:
        self._began_s = self._edge_s
        self._sent = self._refused = 0
        self._blocked = False

    def _next_s(self, now_s: float) -> float:
        passed = (now_s - self._edge_s) // MINUTE_S
        return self._edge_s + (passed + 1.0) * MINUTE_S + MARGIN_S
