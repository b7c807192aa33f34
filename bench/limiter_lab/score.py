"""What a limiter did in a drawn world, beside what an oracle that knows the quota would have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil, floor, inf

from bench.limiter_lab.drawn import DrawnWorld
from bench.limiter_lab.measures import between
from bench.limiter_lab.world import Call

START_CALLS, START_S = 30, 30.0
"""The start lasts until the oracle has had so many calls a worker, and so long."""

START_REFUSALS, START_SHARE = 12, 0.10
"""At the start so many refusals a worker are fine, or this share of the calls if that is more."""

FAIR_CALLS = 50
"""Fairness is measured where every worker's share is so many calls."""


@dataclass(frozen=True, slots=True)
class Score:
    """Shares from 0 to 1; ``jain`` is ``None`` where no two workers could be compared.

    ``refused`` are calls over the quota, of all that were sent. ``start`` is how many calls over
    the quota the start had, of those that it may have had.
    """

    seed: int
    used: float
    refused: float
    start: float
    jain: float | None
    sent: int


def score(drawn_world: DrawnWorld, calls: Sequence[Call]) -> Score:
    """Return what became of a world's calls."""
    oracle = list(accumulate(drawn_world.oracle(), initial=0.0))
    start_s = start_length_s(drawn_world, oracle)
    begin_s, end_s = _whole_windows(drawn_world, start_s)
    after = between(calls, begin_s, end_s)
    due = at(oracle, end_s) - at(oracle, begin_s)
    before = between(calls, 0.0, start_s)
    refused_at_start = sum(call.over_quota for call in before)
    allowed = max(START_REFUSALS * len(drawn_world.stays), START_SHARE * len(before))
    return Score(
        seed=drawn_world.seed,
        used=sum(call.good or call.unanswered for call in after) / due if due else 1.0,
        refused=sum(call.over_quota for call in after) / max(len(after), 1),
        start=refused_at_start / allowed,
        jain=_jain(drawn_world, oracle, calls, start_s),
        sent=len(calls),
    )


def start_length_s(drawn_world: DrawnWorld, oracle: Sequence[float]) -> float:
    """Return how long the start lasts, by what the oracle has had after each second."""
    needed = START_CALLS * len(drawn_world.stays)
    reached = next((second for second, calls in enumerate(oracle) if calls >= needed), inf)
    return min(max(reached, START_S), drawn_world.seconds / 2.0)


def _whole_windows(drawn_world: DrawnWorld, start_s: float) -> tuple[float, float]:
    """Return from when to when is measured: where quotas are counted by windows, whole ones."""
    window_s = drawn_world.quota.window_s
    if not window_s:
        return start_s, drawn_world.seconds
    first = ceil((start_s + drawn_world.phase_s) / window_s)
    last = floor((drawn_world.seconds + drawn_world.phase_s) / window_s)
    return first * window_s - drawn_world.phase_s, last * window_s - drawn_world.phase_s


def at(oracle: Sequence[float], at_s: float) -> float:
    """Return how many calls the oracle has had by then."""
    second = min(int(at_s), len(oracle) - 2)
    return oracle[second] + (at_s - second) * (oracle[second + 1] - oracle[second])


def _jain(
    drawn_world: DrawnWorld, oracle: Sequence[float], calls: Sequence[Call], start_s: float
) -> float | None:
    """Return Jain's index, the mean over the spans that are long enough, by their calls."""
    total = weight = 0.0
    for begin_s, end_s, workers in _spans(drawn_world, start_s):
        due = at(oracle, end_s) - at(oracle, begin_s)
        if len(workers) < 2 or due < FAIR_CALLS * len(workers):
            continue
        counts = Counter(call.worker for call in between(calls, begin_s, end_s) if call.good)
        had = [counts[worker] for worker in workers]
        squares = sum(count * count for count in had)
        total += due * (sum(had) ** 2 / (len(had) * squares) if squares else 0.0)
        weight += due
    return total / weight if weight else None


def _spans(drawn_world: DrawnWorld, start_s: float) -> Iterator[tuple[float, float, list[int]]]:
    """Yield the spans in which the same workers are there, and who they are."""
    moves = {at_s for stay in drawn_world.stays for at_s in (stay.join_s, stay.leave_s)}
    times = sorted(
        {start_s, drawn_world.seconds}
        | {at_s for at_s in moves if start_s < at_s < drawn_world.seconds}
    )
    for begin_s, end_s in pairwise(times):
        middle_s = (begin_s + end_s) / 2.0
        there = [
            place
            for place, stay in enumerate(drawn_world.stays)
            if stay.join_s <= middle_s < stay.leave_s
        ]
        yield begin_s, end_s, there
