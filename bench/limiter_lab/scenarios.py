"""What limiters are tried on: quotas that move, are shared, refuse at random, or are gone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from bench.limiter_lab.world import Model, Policy, QueueingModel, Stay, World
from sightline.sim.vertex import (
    ANY_MODEL,
    Behaviour,
    Fault,
    FaultMix,
    Latency,
    RateStep,
    Schedule,
    Service,
)

REFUSAL_S = 0.08
"""With the network's way there and back a refusal takes about 0.1 s."""

CLOCK_ERROR_S = 0.05
"""By so much workers' clocks differ (a standard deviation)."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A quota, what is wrong with it when, and who works on it for how long."""

    name: str
    title: str
    schedule: Schedule
    seconds: float
    stays: tuple[Stay, ...] = (Stay(),)
    random_refusals: float = 0.0
    outage: tuple[float, float, Fault] | None = None
    tail: float = 2.0
    queues: bool = False

    def world(
        self,
        make_policy: Callable[[float], Policy],
        *,
        round_trip_s: float,
        seed: int,
        told_peers: bool = False,
    ) -> World:
        """Return a run of it; ``make_policy`` is told how far a worker's clock is ahead."""
        dice = random.Random(seed)
        usual = self._behaviour(round_trip_s)
        changes: list[tuple[float, Behaviour]] = []
        if self.outage is not None:
            begin_s, end_s, kind = self.outage
            broken = self._behaviour(round_trip_s, FaultMix({kind: 1.0}))
            changes = [(begin_s, broken), (end_s, usual)]
        model: Model = Service(usual, random.Random(dice.random()), now_s=0.0)
        if self.queues:
            model = QueueingModel(self.schedule.rate_at(0.0) or inf, round_trip_s)
        return World(
            lambda own: make_policy(own.gauss(0.0, CLOCK_ERROR_S)),
            self.stays,
            model,
            self.seconds,
            dice,
            changes,
            told_peers=told_peers,
        )

    def _behaviour(self, round_trip_s: float, faults: FaultMix | None = None) -> Behaviour:
        mix = faults or FaultMix({Fault.THROTTLED: self.random_refusals})
        return Behaviour(
            schedules={ANY_MODEL: self.schedule},
            faults=mix,
            latency=Latency(round_trip_s, self.tail * round_trip_s, REFUSAL_S),
        )


def _ramp(start: float, stop: float, seconds: int) -> Sequence[RateStep]:
    return [RateStep(s, start + (stop - start) * s / seconds) for s in range(0, seconds, 2)]


FIFTY = Schedule.constant(50)
SCENARIOS = (
    Scenario(
        "steps",
        "The quota steps from 50 to 20 to 80",
        Schedule.of([RateStep(0, 50), RateStep(120, 20), RateStep(240, 80)]),
        360,
    ),
    Scenario("ramp", "The quota creeps from 20 to 80", Schedule.of(_ramp(20, 80, 300)), 300),
    Scenario("random1", "1 % refused whatever the rate", FIFTY, 300, random_refusals=0.01),
    Scenario("random5", "5 % refused whatever the rate", FIFTY, 300, random_refusals=0.05),
    Scenario("random30", "30 % refused whatever the rate", FIFTY, 300, random_refusals=0.3),
    Scenario("minutes", "A quota by the minute", Schedule.constant(50, window_s=60), 360),
    Scenario("outage", "An outage: all fail", FIFTY, 300, outage=(120, 180, Fault.UNAVAILABLE)),
    Scenario("hang", "An outage: no answers", FIFTY, 300, outage=(120, 180, Fault.HANG)),
    Scenario("eight", "8 workers, one late", FIFTY, 300, (*[Stay()] * 7, Stay(120))),
    Scenario(
        "crowd",
        "1 to 64 workers come and go (quota 400)",
        Schedule.constant(400),
        300,
        tuple(Stay(2.0 * place, 300.0 - place) for place in range(64)),
    ),
    Scenario("tail", "Latencies with a heavy tail", FIFTY, 300, tail=8.0),
    Scenario("queue", "No refusals: the model queues", FIFTY, 300, queues=True),
)
