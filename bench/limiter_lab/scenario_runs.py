"""What is asked of a limiter in each scenario, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import mean

from bench.limiter_lab.measures import (
    admitted,
    between,
    jain,
    offered,
    reached_after_s,
    refused_share,
)
from bench.limiter_lab.scenarios import SCENARIOS, Scenario
from bench.limiter_lab.world import Call, Policy

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
Measures = dict[str, float]


def measure(scenario: Scenario, calls: Sequence[Call], round_trip_s: float) -> Measures:
    """Return what is asked of this scenario, shares in percent."""
    end_s = scenario.seconds
    there = offered(scenario.schedule, 0, end_s) * (1 - scenario.random_refusals)
    measures: Measures = {
        "quota used, %": 100 * admitted(calls) / there,
        "refused, %": 100 * refused_share(calls),
    }
    if scenario.random_refusals:
        over = refused_share(calls, over_quota_only=True)
        measures["refused for the quota, %"] = 100 * over
    if scenario.name == "steps":
        spare_s = max(10.0, 5 * round_trip_s)
        steady = [
            call for at_s in (0, 120, 240) for call in between(calls, at_s + spare_s, at_s + 120)
        ]
        measures["refused while steady, %"] = 100 * refused_share(steady)
        for at_s, rate in ((0, 50), (120, 20), (240, 80)):
            measures[f"s until {rate}"] = reached_after_s(calls, at_s, at_s + 120, rate)
    if scenario.name == "eight":
        measures["Jain's index, a minute later"] = jain(between(calls, 180, end_s), range(8))
    if scenario.outage is not None:
        begin_s, stop_s, _ = scenario.outage
        settled_s = begin_s + 5 + 4 * round_trip_s
        during = between(calls, settled_s, stop_s)
        measures["calls a second meanwhile"] = len(during) / (stop_s - settled_s)
        back_s = reached_after_s(calls, stop_s, end_s, 45)
        measures["round trips until 90 %"] = back_s / round_trip_s
        measures["quota used, %"] = 100 * admitted(calls) / (there * (1 - 60 / end_s))
    if scenario.queues:
        done = [call.done_s - call.sent_s for call in between(calls, 60, end_s - 60)]
        measures["latency over the model's own"] = mean(done) / round_trip_s
    return measures


def runs(
    scenario: Scenario,
    policy: Callable[[float], Policy],
    round_trip_s: float,
    seeds: Iterable[int],
    *,
    told_peers: bool = False,
) -> list[Measures]:
    """Return the measures of a run for each seed."""
    return [
        measure(
            scenario,
            scenario.world(
                policy, round_trip_s=round_trip_s, seed=seed, told_peers=told_peers
            ).run(),
            round_trip_s,
        )
        for seed in seeds
    ]


GOALS: dict[tuple[str, str], float] = {
    ("steps", "quota used, %"): 96,
    ("steps", "refused, %"): 1.5,
    ("steps", "refused while steady, %"): 1,
    ("random1", "quota used, %"): 92,
    ("random5", "quota used, %"): 92,
    ("minutes", "quota used, %"): 90,
    ("minutes", "refused, %"): 2,
    ("outage", "calls a second meanwhile"): 1,
    ("outage", "round trips until 90 %"): 10,
    ("hang", "calls a second meanwhile"): 1,
    ("hang", "round trips until 90 %"): 10,
    ("eight", "quota used, %"): 97,
    ("eight", "refused, %"): 2.5,
    ("eight", "Jain's index, a minute later"): 0.95,
}
HIGHER = {"quota used, %", "Jain's index, a minute later"}


def goal(scenario: str, name: str, round_trip_s: float) -> float | None:
    """Return the goal of a measure."""
    if scenario == "steps" and name.startswith("s until"):
        return max(10.0, 5 * round_trip_s)
    return GOALS.get((scenario, name))
