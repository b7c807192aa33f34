"""Every table of the limiter's benchmark, as a page of its own: docs/benchmarks-limiter.md.

Runs of one scenario differ by their seeds, and so run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from itertools import repeat
from pathlib import Path
from statistics import mean

from bench.figures import Figure
from bench.limiter_lab.competitors import COMPETITORS, seen, unseen
from bench.limiter_lab.plots import draw_run
from bench.limiter_lab.scenario_runs import HIGHER, Measures, goal, runs
from bench.limiter_lab.scenarios import SCENARIOS, Scenario
from bench.limiter_lab.world import Policy

SEEDS = 5
ROUND_TRIPS_S = (0.3, 2.0, 8.0)
BESIDE_ROUND_TRIP_S = 2.0
DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "images" / "limiter"
OURS: dict[str, Callable[[float], Policy]] = {"seen": seen, "unseen": unseen}
"""Workers that see each other, and workers that do not."""


def pages(pool: Executor) -> Iterator[str]:
    """Yield the parts of the page; draw the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    yield "## Scenarios: goals\n"
    yield (
        f"Means of {SEEDS} runs (1 of the crowd), with the worst in the last column, at round trips"
        " of 0.3, 2 and 8 s.\n"
    )
    yield "| scenario | round trip | peers | figure | measured | goal | note |"
    yield "|---|---:|---|---|---:|---:|---|"
    for scenario in SCENARIOS:
        for round_trip_s in ROUND_TRIPS_S:
            for peers in OURS:
                for figure in _figures(pool, scenario, round_trip_s, peers):
                    yield (
                        f"| {scenario.title} | {round_trip_s:g} s | {peers} | {figure.name} |"
                        f" {figure.measured} | {figure.aim} | {figure.note} |"
                    )
    yield "\n## Scenarios: other limiters\n"
    yield f"One run each, at a round trip of {BESIDE_ROUND_TRIP_S:g} s.\n"
    for scenario in SCENARIOS:
        _draw(scenario)
        yield f"### {scenario.title}\n"
        yield f"![{scenario.title}: quota and rate sent](images/limiter/{scenario.name}.svg)\n"
        yield from _beside(pool, scenario)
        yield ""


def _figures(
    pool: Executor, scenario: Scenario, round_trip_s: float, peers: str
) -> Iterator[Figure]:
    seeds = range(1 if scenario.name == "crowd" else SEEDS)
    rows = list(pool.map(_run_ours, repeat(scenario), repeat(peers), repeat(round_trip_s), seeds))
    for name in rows[0]:
        values = [row[name] for row in rows]
        worst = min(values) if name in HIGHER else max(values)
        yield Figure(
            name,
            mean(values),
            "",
            goal(scenario.name, name, round_trip_s),
            "higher" if name in HIGHER else "lower",
            f"worst {worst:.3g}",
        )


def _run_ours(scenario: Scenario, peers: str, round_trip_s: float, seed: int) -> Measures:
    (row,) = runs(scenario, OURS[peers], round_trip_s, [seed], told_peers=peers == "seen")
    return row


def _beside(pool: Executor, scenario: Scenario) -> Iterator[str]:
    names = [f"**ours, peers {peers}**" for peers in OURS]
    waiting = [pool.submit(_run_ours, scenario, peers, BESIDE_ROUND_TRIP_S, 0) for peers in OURS]
    if scenario.name != "crowd":
        alone = len(scenario.stays) == 1
        others = [name for name in COMPETITORS if alone or name != "400 calls at once"]
        names += others
        waiting += [pool.submit(_run_other, scenario, name) for name in others]
    rows = [run.result() for run in waiting]
    yield f"| limiter | {' | '.join(rows[0])} |"
    yield "|---|" + "---:|" * len(rows[0])
    for name, row in zip(names, rows, strict=True):
        yield f"| {name} | {' | '.join(f'{value:.3g}' for value in row.values())} |"


def _run_other(scenario: Scenario, name: str) -> Measures:
    (row,) = runs(scenario, partial(_made, name), BESIDE_ROUND_TRIP_S, [0])
    return row


def _made(name: str, clock_ahead_s: float) -> Policy:  # noqa: ARG001 - they know no clock
    return COMPETITORS[name]()


def _draw(scenario: Scenario) -> None:
    world = scenario.world(seen, round_trip_s=BESIDE_ROUND_TRIP_S, seed=0, told_peers=True)
    picture = draw_run(
        world.run(),
        scenario.schedule.rate_at,
        scenario.seconds,
        title=scenario.title,
        caption="ours, answers after about 2 s, one run",
    )
    (PICTURES / f"{scenario.name}.svg").write_text(picture, encoding="utf-8")
