"""Drawn worlds in which workers begin with a memory of the quota: a right one, or a wrong one.

python -m bench.limiter_lab.memories --seed 401 --count 100 --most-calls 5000
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate, repeat

from bench.limiter_lab.drawn import DrawnWorld, draw
from bench.limiter_lab.exam import LIMITERS, OURS, quantile, shorter
from bench.limiter_lab.measures import between
from bench.limiter_lab.score import Score, at, score, start_length_s
from sightline.ports import QuotaBelief, Remembered

MINUTE_S = 60.0
FRESH_S, OLD_S = 60.0, 7200.0
WRONG_BEGIN_S, WRONG_SHARE = 17.0, 0.3


@dataclass(frozen=True, slots=True)
class Begin:
    """A world's score, and how much of what an oracle gets at the start was used there."""

    score: Score
    used_at_start: float


def memories(drawn: DrawnWorld) -> Mapping[str, Remembered | None]:
    """Return the memories that are tried, by what is wrong with them."""
    window_s, rate_per_s = drawn.quota.window_s, drawn.rate_at(0.0)
    began_s = MINUTE_S - drawn.phase_s if window_s == MINUTE_S else None
    right = QuotaBelief(rate_per_s, drawn.random_share, began_s)
    other_window = None if began_s is not None else WRONG_BEGIN_S
    other_share = 0.0 if drawn.random_share else WRONG_SHARE
    return {
        "none": None,
        "right": Remembered(right, FRESH_S),
        "right, two hours old": Remembered(right, OLD_S),
        "ten times too high": Remembered(replace(right, rate_per_s=10 * rate_per_s), FRESH_S),
        "ten times too low": Remembered(replace(right, rate_per_s=rate_per_s / 10), FRESH_S),
        "another window": Remembered(replace(right, minute_began_s=other_window), FRESH_S),
        "another share at random": Remembered(replace(right, usual=other_share), FRESH_S),
    }


def examine_memory(seed: int, kind: str) -> Begin:
    """Return how workers that begin with a memory of this kind do in the world of a seed."""
    drawn = draw(seed)
    world = drawn.world(LIMITERS[OURS], told_peers=True)
    calls = replace(world, memory=memories(drawn)[kind]).run()
    oracle = list(accumulate(drawn.oracle(), initial=0.0))
    end_s = start_length_s(drawn, oracle)
    had = sum(call.good or call.unanswered for call in between(calls, 0.0, end_s))
    due = at(oracle, end_s)
    return Begin(score(drawn, calls), had / due if due else 1.0)


def memory_lines(seeds: Sequence[int]) -> Iterator[str]:
    """Yield a table of all kinds of memories on the worlds of these seeds."""
    yield (
        "| memory | used at the start, median / 10th percentile | start's refusals over those"
        " allowed, median / 90th | used after it, median / 10th | refused after it, median / 90th |"
    )
    yield "|---|---:|---:|---:|---:|"
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for kind in memories(draw(seeds[0])):
            begins = list(pool.map(examine_memory, seeds, repeat(kind)))
            columns = (
                _shares([begin.used_at_start for begin in begins], 0.1),
                _pair([begin.score.start for begin in begins], 0.9, ".2f"),
                _shares([begin.score.used for begin in begins], 0.1),
                _shares([begin.score.refused for begin in begins], 0.9),
            )
            yield f"| {kind} | {' | '.join(columns)} |"


def _shares(values: Sequence[float], tail: float) -> str:
    return _pair(values, tail, ".1%")


def _pair(values: Sequence[float], tail: float, form: str) -> str:
    return f"{quantile(values, 0.5):{form}} / {quantile(values, tail):{form}}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the first world's")
    parser.add_argument("--count", type=int, default=100, help="how many worlds")
    parser.add_argument("--most-calls", type=float, default=5000.0, help="leave longer ones out")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    print("\n".join(memory_lines(shorter(seeds, options.most_calls))))


if __name__ == "__main__":
    main()
