"""Examines limiters on drawn worlds: quantiles over all of them, and the worst by their seeds.

    python -m bench.limiter_lab.exam --seed 1 --count 200            the worlds 1 to 200, ours:
                                                    workers that see each other, or do not
    python -m bench.limiter_lab.exam --seed 1 --count 200 --beside   the same for the others, too
    python -m bench.limiter_lab.exam --seed 17 --count 1 --plot 17.svg
    python -m bench.limiter_lab.exam --named                         quotas that users meet, ours

Constants can be tried as with ``sweep``:
``--with "seen_peers.growth.DIP=0.2 seen_peers.growth.RECOVERY_S=4"``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path
from statistics import quantiles

from bench.limiter_lab.competitors import Aimd, Botocore, Gradient2, Vegas
from bench.limiter_lab.drawn import draw
from bench.limiter_lab.named import named_worlds
from bench.limiter_lab.plots import draw_run
from bench.limiter_lab.score import Score, score
from bench.limiter_lab.sweep import Constants, changed, read_constants
from bench.limiter_lab.world import PEERS_EVERY_S, Call, Policy
from worker.limiting import QuotaFinder, SharedQuotaFinder

OURS, UNSEEN = "ours", "ours, peers unseen"
"""Workers that are told how many they are, and at which mean rate they send; and those that are
not. The others' limiters never are."""

LIMITERS: dict[str, Callable[[int, float], Policy]] = {
    OURS: lambda cap, ahead_s: QuotaFinder(cap, clock_ahead_s=ahead_s),
    UNSEEN: lambda cap, ahead_s: SharedQuotaFinder(cap, clock_ahead_s=ahead_s),
    "AIMD": lambda cap, ahead_s: Aimd(),  # noqa: ARG005 - they know neither
    "botocore's adaptive mode": lambda cap, ahead_s: Botocore(),  # noqa: ARG005
    "Netflix's Vegas": lambda cap, ahead_s: Vegas(),  # noqa: ARG005
    "Netflix's Gradient2": lambda cap, ahead_s: Gradient2(),  # noqa: ARG005
}
WORST = 10
ROUND_TRIPS_S = (1.0, 4.0)
"""Of the named worlds."""

MARGIN = 0.05
"""Another has more of a world if it is so much more of the quota, at no more refusals."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One limiter in one world."""

    limiter: str
    seed: int
    constants: Constants
    peers_every_s: float = PEERS_EVERY_S


def run_world(trial: Trial) -> list[Call]:
    """Return the calls of a limiter in the world of a seed."""
    with changed(trial.constants):
        policy = LIMITERS[trial.limiter]
        world = draw(trial.seed).world(policy, told_peers=trial.limiter == OURS)
        return replace(world, peers_every_s=trial.peers_every_s).run()


def shorter(seeds: Iterable[int], most_calls: float) -> list[int]:
    """Return the seeds of worlds in which an oracle makes fewer calls."""
    return [seed for seed in seeds if sum(draw(seed).oracle()) < most_calls]


def examine(trial: Trial) -> Score:
    """Return how a limiter did in the world of a seed."""
    return score(draw(trial.seed), run_world(trial))


def examine_all(trials: Sequence[Trial]) -> list[Score]:
    """Examine in as many processes as there are cores; the long worlds first."""
    by_cost = sorted(trials, key=lambda trial: -_cost(trial.seed))
    scores: dict[tuple[str, int], Score] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for trial, result in zip(by_cost, pool.map(examine, by_cost), strict=True):
            scores[trial.limiter, trial.seed] = result
            print(f"\r{len(scores)} of {len(trials)} worlds", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [scores[trial.limiter, trial.seed] for trial in trials]


def _cost(seed: int) -> float:
    drawn_world = draw(seed)
    return drawn_world.rate_at(drawn_world.seconds / 2) * drawn_world.seconds


def summary(scores: Sequence[Score]) -> Mapping[str, float]:
    """Return the quantiles, in percent but for Jain's index and the start's share."""
    used = [100 * each.used for each in scores]
    refused = [100 * each.refused for each in scores]
    start = [each.start for each in scores]
    jain = [each.jain for each in scores if each.jain is not None]
    rows = {
        "used, median %": quantile(used, 0.5),
        "used, 10th percentile %": quantile(used, 0.1),
        "used, worst %": min(used),
        "refused, median %": quantile(refused, 0.5),
        "refused, 90th percentile %": quantile(refused, 0.9),
        "refused, worst %": max(refused),
        "start's refusals over those allowed, 90th percentile": quantile(start, 0.9),
    }
    if jain:
        rows |= {"Jain, median": quantile(jain, 0.5), "Jain, 10th percentile": quantile(jain, 0.1)}
    return rows


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values is below."""
    if len(values) < 2:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[round(100 * share) - 1]


def overtaken(ours: Sequence[Score], others: Sequence[Score]) -> list[int]:
    """Return the seeds where another has clearly more of the quota, at no more refusals."""
    return [
        own.seed
        for own, other in zip(ours, others, strict=True)
        if other.used >= own.used + MARGIN and other.refused <= own.refused
    ]


def summary_lines(scores: Mapping[str, Sequence[Score]]) -> Iterator[str]:
    """Yield a table of all limiters, and where another had more."""
    summaries = {name: summary(own) for name, own in scores.items()}
    yield "| | " + " | ".join(summaries) + " |"
    yield "|---|" + "---:|" * len(summaries)
    for row in summaries[OURS]:
        yield f"| {row} | " + " | ".join(f"{own[row]:.3g}" for own in summaries.values()) + " |"
    ours = scores[OURS]
    for name, theirs in scores.items():
        if name != OURS and (seeds := overtaken(ours, theirs)):
            worst = ", ".join(map(str, seeds[:WORST]))
            yield (
                f"\n{name} has more, at no more refusals, in {len(seeds)} of {len(ours)}: {worst}"
            )


def _worst_lines(ours: Sequence[Score]) -> Iterator[str]:
    for what, key in (("least used", _used), ("most refused", _refused), ("least fair", _unfair)):
        yield f"\n{what}:"
        for own in sorted(ours, key=key)[:WORST]:
            jain = "" if own.jain is None else f", Jain {own.jain:.2f}"
            yield (
                f"  {own.seed}: {own.used:.0%} used, {own.refused:.1%} refused{jain}:"
                f" {draw(own.seed)}"
            )


def _used(own: Score) -> float:
    return own.used


def _refused(own: Score) -> float:
    return -own.refused


def _unfair(own: Score) -> float:
    return 2.0 if own.jain is None else own.jain


def examine_named(name: str, round_trip_s: float, limiter: str = OURS) -> Score:
    """Return how a limiter did in a named world."""
    drawn_world = named_worlds(round_trip_s)[name]
    calls = drawn_world.world(LIMITERS[limiter], told_peers=limiter == OURS).run()
    return score(drawn_world, calls)


def named_lines() -> Iterator[str]:
    """Yield a table of the named worlds, with both policies of ours."""
    trials = [
        (name, each_s, limiter)
        for each_s in ROUND_TRIPS_S
        for name in named_worlds(each_s)
        for limiter in (OURS, UNSEEN)
    ]
    yield "| world | round trip | peers | used | refused | Jain |"
    yield "|---|---:|---|---:|---:|---:|"
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        scores = pool.map(examine_named, *zip(*trials, strict=True))
        for (name, round_trip_s, limiter), own in zip(trials, scores, strict=True):
            jain = "" if own.jain is None else f"{own.jain:.2f}"
            peers = "seen" if limiter == OURS else "unseen"
            yield (
                f"| {name} | {round_trip_s:g} s | {peers} | {own.used:.0%} | {own.refused:.1%}"
                f" | {jain} |"
            )


def main() -> None:
    """Examine, and print a table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the first world's")
    parser.add_argument("--count", type=int, default=200, help="how many worlds")
    parser.add_argument("--beside", action="store_true", help="other limiters on the same worlds")
    parser.add_argument("--json", action="store_true", help="every score, as JSON")
    parser.add_argument("--named", action="store_true", help="the named worlds instead")
    parser.add_argument("--most-calls", type=float, default=inf, help="leave longer worlds out")
    parser.add_argument("--peers-every", type=float, default=PEERS_EVERY_S, metavar="S")
    parser.add_argument("--plot", type=Path, help="draw the first world into this SVG file")
    parser.add_argument("--with", dest="constants", default={}, type=read_constants)
    options = parser.parse_args()
    if options.named:
        print("\n".join(named_lines()))
        return
    names = list(LIMITERS) if options.beside else [OURS, UNSEEN]
    seeds = shorter(range(options.seed, options.seed + options.count), options.most_calls)
    trials = [
        Trial(name, seed, options.constants, options.peers_every)
        for name in names
        for seed in seeds
    ]
    results = examine_all(trials)
    scores = {
        name: results[place * len(seeds) : (place + 1) * len(seeds)]
        for place, name in enumerate(names)
    }
    if options.plot:
        _plot(options.plot, trials[0])
    if options.json:
        print(json.dumps({name: [asdict(each) for each in own] for name, own in scores.items()}))
        return
    print("\n".join([*summary_lines(scores), *_worst_lines(scores[OURS])]))


def _plot(path: Path, trial: Trial) -> None:
    """Draw what was sent and refused in a world, beside its quota."""
    drawn_world = draw(trial.seed)
    calls = run_world(trial)
    picture = draw_run(
        calls,
        drawn_world.rate_at,
        drawn_world.seconds,
        title=f"World {drawn_world.seed}",
        caption=str(drawn_world),
    )
    path.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
