"""Worlds that are drawn, not picked: quotas of every size and shape, and all that goes wrong.

A world is drawn whole from its seed. How often each thing is drawn stands beside it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, floor, inf, log, sin, tau

from bench.limiter_lab.world import Policy, Stay, World
from sightline.sim.vertex import Decision, Fault, Latency, RateStep, Schedule, Verb
from sightline.sim.vertex.quota import Quota

LEAST_S, LEAST_CALLS, CALLS_A_WORKER, PERIODS = 300.0, 300, 50, 3
"""A world lasts as long as the longest of these."""

STEP_S = 2.0
"""A rate that changes steadily does so in steps of this length."""

CLOCK_ERROR_S = 0.05
Z99 = 2.326


@dataclass(frozen=True, slots=True)
class Hints:
    """What refusals say about when to return: the truth, or always the same seconds."""

    share: float
    kind: Fault
    always_s: float | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """All calls fail in this way for a while."""

    begin_s: float
    end_s: float
    kind: Fault


@dataclass(frozen=True, slots=True)
class DrawnWorld:
    """A quota, who else uses it, what goes wrong with it, and who works on it for how long.

    ``shape`` is how the quota changes, ``phase_s`` how far its first window has gone, ``others``
    what others send, and ``cap`` how many calls each worker may have under way. Where
    ``random_drains`` a call that is refused at random counts against the quota.
    """

    seed: int
    shape: str
    seconds: float
    quota: Schedule
    phase_s: float
    others: Schedule
    random_share: float
    random_drains: bool
    stays: tuple[Stay, ...]
    latency: Latency
    hints: Hints | None
    trouble: Trouble | None
    cap: int

    def world(
        self, make_policy: Callable[[int, float], Policy], *, told_peers: bool = False
    ) -> World:
        """Return a run of it; ``make_policy`` takes the cap and how far a clock is ahead, in s."""
        dice = random.Random(self.seed)
        return World(
            lambda own: make_policy(self.cap, own.gauss(0.0, CLOCK_ERROR_S)),
            self.stays,
            DrawnService(self, random.Random(dice.random())),
            self.seconds,
            dice,
            cap=self.cap,
            told_peers=told_peers,
        )

    def rate_at(self, now_s: float) -> float:
        """Return what the quota admits a second, others' calls included."""
        return self.quota.rate_at(now_s + self.phase_s) or 0.0

    def oracle(self) -> list[float]:
        """Return how many calls who knows the quota gets admitted in each second of the world.

        The others' calls come first. The first burst is not counted, and what a change of the
        quota leaves in the bucket is not, either.
        """
        answer_s = mean_s(self.latency)
        share = 1.0 - self.random_share
        gained = []
        for second in range(int(self.seconds)):
            at_s = second + 0.5
            if self.trouble and self.trouble.begin_s <= at_s < self.trouble.end_s:
                gained.append(0.0)
                continue
            rate = max(self.rate_at(at_s) - (self.others.rate_at(at_s) or 0.0), 0.0)
            present = sum(stay.join_s <= at_s < stay.leave_s for stay in self.stays)
            under_way = present * self.cap / answer_s
            gained.append(min(rate * share if self.random_drains else rate, under_way * share))
        return gained

    def __str__(self) -> str:
        counted = f"counted by {self.quota.window_s:g} s" if self.quota.window_s else "a bucket"
        parts = [
            f"{len(self.stays)} workers",
            f"{self.shape} quota, {self.rate_at(0):.3g}/s at first, {counted}",
            f"answers after {self.latency.median_s:.2g} s (99 % in {self.latency.p99_s:.2g} s)",
            f"{self.seconds:.0f} s",
        ]
        if self.random_share:
            drained = "from the quota" if self.random_drains else "beside the quota"
            parts.append(f"{self.random_share:.1%} refused at random, {drained}")
        if self.others.rate_at(inf):
            parts.append("others use the quota, too")
        if self.hints:
            always_s = self.hints.always_s
            parts.append("hints that are " + ("true" if always_s is None else f"{always_s:g} s"))
        if self.trouble:
            parts.append(
                f"{self.trouble.kind} for {self.trouble.end_s - self.trouble.begin_s:.0f} s"
            )
        if self.cap < NO_CAP:
            parts.append(f"at most {self.cap} calls at once")
        return "; ".join(parts)


NO_CAP = 1000


class DrawnService:
    """Decides about the calls of a drawn world, and lets the others' calls arrive between them."""

    def __init__(self, drawn_world: DrawnWorld, dice: random.Random) -> None:
        self._drawn = drawn_world
        self._dice = dice
        self._quota = Quota(drawn_world.quota, now_s=-drawn_world.phase_s)
        self._other_s = 0.0

    def decide(self, model: str, verb: Verb, *, now_s: float) -> Decision:  # noqa: ARG002
        """Decide what becomes of a call that arrives now."""
        drawn_world, dice = self._drawn, self._dice
        self._let_others_call(now_s)
        at_random = dice.random() < drawn_world.random_share
        if at_random and not drawn_world.random_drains:
            return self._refuse(now_s, over_quota=False)
        if not self._quota.admit(now_s):
            return self._refuse(now_s, over_quota=True)
        if at_random:
            return self._refuse(now_s, over_quota=False)
        trouble = drawn_world.trouble
        if trouble and trouble.begin_s <= now_s < trouble.end_s:
            return Decision(trouble.kind, drawn_world.latency.refusal_s)
        return Decision(None, drawn_world.latency.answer_s(dice))

    def _refuse(self, now_s: float, *, over_quota: bool) -> Decision:
        hints, refusal_s = self._drawn.hints, self._drawn.latency.refusal_s
        if hints is None or self._dice.random() >= hints.share:
            return Decision(Fault.THROTTLED, refusal_s, over_quota)
        hint_s = self._quota.wait_s(now_s) if hints.always_s is None else hints.always_s
        return Decision(hints.kind, refusal_s, over_quota, hint_s)

    def _let_others_call(self, now_s: float) -> None:
        others = self._drawn.others
        while self._other_s < now_s:
            rate = others.rate_at(self._other_s) or 0.0
            if not rate:
                self._other_s = others.next_change_s(self._other_s)
                continue
            self._other_s += self._dice.expovariate(rate)
            if self._other_s < now_s:
                self._quota.admit(self._other_s)


def draw(seed: int, *, told_peers: bool = False) -> DrawnWorld:
    """Return the world of this seed; where workers are ``told_peers`` there may be any number."""
    dice = random.Random(f"world {seed}")
    mean_per_s = log_uniform(dice, 0.1, 1000.0)
    workers = _workers(dice)
    if not told_peers:
        workers = max(1, min(workers, floor(10.0 * mean_per_s)))
    window_s = dice.choice([None, None, None, 60.0, 60.0, 1.0])
    shape, period_s = _shape(dice)
    seconds = max(
        LEAST_S,
        LEAST_CALLS / mean_per_s,
        CALLS_A_WORKER * workers / mean_per_s,
        PERIODS * period_s,
    )
    phase_s = dice.uniform(0.0, window_s) if window_s else 0.0
    steps = list(_steps(dice, shape, mean_per_s, period_s, seconds + phase_s))
    if window_s:
        steps = _by_window(steps, window_s)
    latency = _latency(dice)
    return DrawnWorld(
        seed=seed,
        shape=shape,
        seconds=seconds,
        quota=Schedule.of(steps, burst_s=log_uniform(dice, 0.2, 5.0), window_s=window_s),
        phase_s=phase_s,
        others=_others(dice, mean_per_s, seconds),
        random_share=log_uniform(dice, 0.005, 0.5) if dice.random() < 0.5 else 0.0,
        random_drains=dice.random() < 0.5,
        stays=tuple(_stays(dice, workers, seconds)),
        latency=latency,
        hints=_hints(dice),
        trouble=_trouble(dice, seconds),
        cap=_cap(dice, mean_per_s, workers, latency),
    )


def log_uniform(dice: random.Random, low: float, high: float) -> float:
    """Draw a number whose logarithm is even between the bounds'."""
    return exp(dice.uniform(log(low), log(high)))


def mean_s(latency: Latency) -> float:
    """Return how long answers take on average."""
    sigma = log(latency.p99_s / latency.median_s) / Z99
    return latency.median_s * exp(sigma * sigma / 2.0)


def _workers(dice: random.Random) -> int:
    return dice.choice(
        [1, 1, dice.randint(2, 8), dice.randint(2, 8), round(log_uniform(dice, 9, 64))]
    )


def _stays(dice: random.Random, workers: int, seconds: float) -> Iterator[Stay]:
    """Yield when each works: in half of the worlds every third joins late or leaves early."""
    moves = dice.random() < 0.5
    for place in range(workers):
        if place and moves and dice.random() < 1 / 3:
            at_s = dice.uniform(0.2, 0.8) * seconds
            yield Stay(join_s=at_s) if dice.random() < 0.5 else Stay(leave_s=at_s)
        else:
            yield Stay(join_s=dice.uniform(0.0, 2.0) if place else 0.0)


def _shape(dice: random.Random) -> tuple[str, float]:
    """Draw how the quota changes, and how long a period of it is, in s."""
    shape = dice.choice(["constant", "constant", "steps", "ramp", "sine", "square", "walk"])
    return shape, log_uniform(dice, 20.0, 600.0) if shape in {"sine", "square"} else 0.0


def _steps(
    dice: random.Random, shape: str, mean_per_s: float, period_s: float, seconds: float
) -> Iterator[RateStep]:
    depth = dice.uniform(0.2, 0.8)
    if shape == "constant":
        yield RateStep(0.0, mean_per_s)
        return
    if shape == "steps":
        yield RateStep(0.0, mean_per_s)
        for at_s in sorted(dice.uniform(0.1, 0.9) * seconds for _ in range(dice.randint(1, 4))):
            yield RateStep(at_s, mean_per_s * log_uniform(dice, 0.3, 2.0))
        return
    level = 0.0
    rising = dice.choice([-1.0, 1.0])
    for number in range(ceil(seconds / STEP_S)):
        at_s = number * STEP_S
        if shape == "ramp":
            level = rising * (2.0 * at_s / seconds - 1.0)
        elif shape == "sine":
            level = sin(tau * at_s / period_s)
        elif shape == "square":
            level = 1.0 if at_s % period_s < period_s / 2.0 else -1.0
        else:
            level = min(max(level + dice.gauss(0.0, 0.05), -1.0), 1.0)
        yield RateStep(at_s, mean_per_s * (1.0 + depth * level))


def _by_window(steps: list[RateStep], window_s: float) -> list[RateStep]:
    """Return the rate of each window: the one at its beginning, in whole calls and at least one."""
    schedule = Schedule.of(steps)
    count = ceil(steps[-1].at_s / window_s) + 1
    calls = [(schedule.rate_at(number * window_s) or 0.0) * window_s for number in range(count)]
    rates = [max(round(each), 1) / window_s for each in calls]
    changes = [
        RateStep((number + 1) * window_s, after)
        for number, (before, after) in enumerate(pairwise(rates))
        if before != after
    ]
    return [RateStep(0.0, rates[0]), *changes]


def _others(dice: random.Random, mean_per_s: float, seconds: float) -> Schedule:
    """Draw what others send: in a fifth of the worlds, up to half of the mean, on and off."""
    steps = [RateStep(0.0, 0.0)]
    if dice.random() < 0.2:
        changes = sorted(dice.uniform(0.0, seconds) for _ in range(dice.randint(1, 4)))
        steps += [RateStep(at_s, mean_per_s * dice.uniform(0.0, 0.5)) for at_s in changes]
    return Schedule.of(steps)


def _latency(dice: random.Random) -> Latency:
    median_s = log_uniform(dice, 0.1, 20.0)
    tail = dice.choice([dice.uniform(1.2, 2.0), dice.uniform(3.0, 8.0)])
    return Latency(median_s, min(median_s * tail, 100.0), log_uniform(dice, 0.02, 1.0))


def _hints(dice: random.Random) -> Hints | None:
    """Draw hints: in a third of the worlds, wrong in a third of these (a date gone by is 0 s)."""
    if dice.random() > 1 / 3:
        return None
    kind = dice.choice([Fault.THROTTLED_RETRY_AFTER, Fault.THROTTLED_RETRY_INFO])
    always_s = dice.choice([0.0, 0.0, 3600.0]) if dice.random() < 1 / 3 else None
    return Hints(dice.choice([0.3, 1.0]), kind, always_s)


def _trouble(dice: random.Random, seconds: float) -> Trouble | None:
    """Draw a time of failures or hangs: in a sixth of the worlds."""
    if dice.random() > 1 / 6:
        return None
    begin_s = dice.uniform(0.2, 0.6) * seconds
    return Trouble(
        begin_s, begin_s + dice.uniform(10.0, 90.0), dice.choice([Fault.UNAVAILABLE, Fault.HANG])
    )


def _cap(dice: random.Random, mean_per_s: float, workers: int, latency: Latency) -> int:
    """Draw the cap: in a sixth of the worlds about what the quota needs, else none that binds."""
    needed = mean_per_s * mean_s(latency) / workers
    if dice.random() > 1 / 6:
        return max(NO_CAP, math.ceil(4 * needed))
    return max(1, math.ceil(needed * dice.uniform(0.3, 2.0)))
