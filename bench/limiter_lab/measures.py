"""What is measured of a run: use, refusals, fairness, and how soon a change is followed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from bench.limiter_lab.world import Call
from sightline.sim.vertex import Schedule


def offered(schedule: Schedule, start_s: float, stop_s: float) -> float:
    """Return how many calls the quota allows in this time, its first burst not counted."""
    times = [
        start_s,
        *(step.at_s for step in schedule.steps if start_s < step.at_s < stop_s),
        stop_s,
    ]
    return sum(
        (schedule.rate_at(begin_s) or 0.0) * (end_s - begin_s) for begin_s, end_s in pairwise(times)
    )


def between(calls: Sequence[Call], start_s: float, stop_s: float) -> Sequence[Call]:
    """Return the calls sent in this time."""
    return calls[
        bisect_left(calls, start_s, key=lambda call: call.sent_s) : bisect_left(
            calls, stop_s, key=lambda call: call.sent_s
        )
    ]


def admitted(calls: Sequence[Call]) -> int:
    """Return how many calls were not refused and did not fail (unfinished ones were admitted)."""
    return sum(call.fault is None for call in calls)


def refused_share(calls: Sequence[Call], *, over_quota_only: bool = False) -> float:
    """Return the share of calls answered 429."""
    refused = sum(call.over_quota if over_quota_only else call.refused for call in calls)
    return refused / max(len(calls), 1)


def jain(calls: Sequence[Call], workers: Sequence[int]) -> float:
    """Return Jain's index of the workers' admitted calls: 1 is fair, 1/n is one for all."""
    counts = [0] * len(workers)
    places = {worker: place for place, worker in enumerate(workers)}
    for call in calls:
        if call.fault is None and call.worker in places:
            counts[places[call.worker]] += 1
    squares = sum(count * count for count in counts)
    return sum(counts) ** 2 / (len(counts) * squares) if squares else 0.0


def reached_after_s(
    calls: Sequence[Call], start_s: float, stop_s: float, rate_per_s: float, *, within: float = 0.1
) -> float:
    """Return the seconds from the start until the rate sent is within a tenth of this one.

    The rate is that of the last second or, where the rate is low, of the last 20 calls' time.
    """
    span_s = max(1.0, 20.0 / rate_per_s)
    at_s = start_s + span_s
    while at_s < stop_s:
        sent = len(between(calls, at_s - span_s, at_s)) / span_s
        if abs(sent - rate_per_s) <= within * rate_per_s:
            return at_s - start_s
        at_s += 0.1
    return stop_s - start_s
