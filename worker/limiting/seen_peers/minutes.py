"""A quota that is counted by the minute: when its minutes begin, and what one of them admits.

Such a quota admits calls as fast as they come, and when they are used up nothing until the next
minute begins. That nothing goes through, and then everything again, tells when it began; where the
next one begins as predicted, that is believed.
"""

from __future__ import annotations

from math import ceil, inf, log

MINUTE_S = 60.0
MARGIN_S = 0.05
SLACK_S = 1.0
"""The begin of a minute is looked for until it is known so well."""

SPREAD = 0.7
"""The calls of a minute are spread over so much of it: it may be known late."""

FASTER = 1.3
MORE = 1.1
"""If a minute ended before its calls were used up, the next is tried so much faster."""

LOOK_CALLS = 300
"""Whether a minute admits more is tried after so many calls: each time some are refused."""

PROVEN = 7.0
FEWEST, MOST = 3, 14
"""So many calls in a row must be refused before the minute is used up; more where refusals are
usual."""

TRUSTED = 3
"""A begin that came so often as predicted needs no check."""


class Minutes:
    """``known`` says whether the quota is counted by the minute."""

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
        """When a minute began, where minutes are known."""
        return self._edge_s if self.known else None

    @property
    def mean_per_s(self) -> float:
        """What a minute admits, over the minute."""
        return self._admits / MINUTE_S

    def remember(self, began_s: float) -> None:
        """A minute may have begun then; believed when the next block ends as predicted."""
        self._edge_s, self._slack_s, self._hits = began_s + SLACK_S / 2.0, SLACK_S, 0

    def opened(self, shut_s: float, open_s: float) -> int:
        """Calls go through again at ``open_s``; until ``shut_s`` none did.

        Return how many went through before.
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
        """The quota is not counted by the minute."""
        self._hits, self._goal = -1, inf

    def probe_s(self, now_s: float) -> tuple[float, bool]:
        """Return when a probe may find the next minute, and whether it is a check before it."""
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
        """Nothing more goes through in this minute."""
        self._blocked = True
        self._admits = max(self._sent - self._refused, 1)
        self._tried_calls = 0

    def blocked_calls(self, usual: float) -> int:
        """Return how many calls in a row must be refused before the minute is used up."""
        return min(max(ceil(PROVEN / -log(usual)), FEWEST), MOST)

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next minute, if this one is used up as far as is known."""
        if not self.known or self._sent < self._goal or now_s >= self._began_s + MINUTE_S:
            return 0.0
        return self._began_s + MINUTE_S - now_s

    @property
    def beyond(self) -> bool:
        """Whether more calls went through than the minute before admitted."""
        return not self._blocked and self._sent > MORE * self._admits + 1

    def pace_per_s(self, usual: float) -> float:
        """Return the pace at which this minute's calls are spread."""
        calls = (self._admits + 1) / (1.0 - usual)
        return self._speed * calls / (SPREAD * MINUTE_S)

    def set_goal(self, usual: float) -> None:
        """Decide how many calls this minute is tried with."""
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
