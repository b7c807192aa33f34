"""Worlds that have names: quotas that a user meets, each hard for a limiter in its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, sin, tau

from bench.limiter_lab.drawn import NO_CAP, STEP_S, DrawnWorld
from bench.limiter_lab.world import Stay
from sightline.sim.vertex import Latency, RateStep, Schedule

MINUTE_S = 60.0
REFUSAL_S = 0.08


def named_worlds(round_trip_s: float, *, seed: int = 1) -> Mapping[str, DrawnWorld]:
    """Return them by name; answers take a round trip in the middle, twice of it in 1 of 100."""
    latency = Latency(round_trip_s, 2.0 * round_trip_s, REFUSAL_S)

    def world(
        quota: Schedule, *, workers: int = 1, random_share: float = 0.0, seconds: float = 600.0
    ) -> DrawnWorld:
        return DrawnWorld(
            seed=seed,
            shape="named",
            seconds=seconds,
            quota=quota,
            phase_s=20.0 if quota.window_s else 0.0,
            others=Schedule.constant(0.0),
            random_share=random_share,
            random_drains=False,
            stays=(Stay(),) * workers,
            latency=latency,
            hints=None,
            trouble=None,
            cap=NO_CAP,
        )

    fifty = world(Schedule.constant(50.0))
    by_minute = Schedule.constant(50.0, window_s=MINUTE_S)
    return {
        "1/s": world(Schedule.constant(1.0), seconds=1800.0),
        "12 a minute": world(Schedule.constant(0.2), seconds=3600.0),
        "3/s": world(Schedule.constant(3.0)),
        "120 a minute, by the minute": world(Schedule.constant(2.0, window_s=MINUTE_S)),
        "80 and 25/s in turn": world(_changing(lambda s: 80.0 if s % 60.0 < 30.0 else 25.0)),
        "a sine of 20 to 100/s": world(_changing(lambda s: 60.0 + 40.0 * sin(tau * s / 120.0))),
        "a saw of 20 to 100/s": world(_changing(lambda s: 20.0 + 80.0 * (s % 90.0) / 90.0)),
        **{
            f"{share:.0%} at random": replace(fifty, random_share=share)
            for share in (0.1, 0.2, 0.3, 0.5)
        },
        "8 workers, 5 % at random": replace(fifty, stays=(Stay(),) * 8, random_share=0.05),
        "8 workers, by the minute": world(by_minute, workers=8),
        "3 workers on 12/s": world(Schedule.constant(12.0), workers=3),
        "30 workers on 100/s": world(Schedule.constant(100.0), workers=30),
    }


def _changing(rate_at: Callable[[float], float], seconds: float = 600.0) -> Schedule:
    """Return a schedule that follows a curve in steps."""
    times = [number * STEP_S for number in range(ceil(seconds / STEP_S))]
    return Schedule.of([RateStep(at_s, rate_at(at_s)) for at_s in times])
