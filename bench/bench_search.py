"""How long one search takes: ours exact and approximate, beside DuckDB, LanceDB and hnswlib.

All search the same vectors (clustered, 512 dimensions) in the same run, one query at a time, in
turns, so that a busy machine slows them alike; the middle of many rounds counts. Exact ones find
the same. Memory is what a contender adds to the process, beside the vectors themselves.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figure, report
from bench.search_contenders import Contender, contenders, resident_mb
from sightline.local.vectors import ExactIndex, FaissIndex, VectorIndex

COUNTS = (100_000, 1_000_000)
DIMENSION = 512
TOP = 10
ROUNDS = 60
RECALL_QUERIES = 200
RECALL_OF_OTHERS = 50

GOAL_MS = {100_000: 1.0, 1_000_000: 2.0}
GOAL_RECALL = 0.98
GOAL_BUILD_S = {1_000_000: 60.0}

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


def run(*, count: int, rounds: int = ROUNDS, others: bool = True) -> list[Figure]:
    """Measure over ``count`` vectors, and return the figures; ``others`` beside ours."""
    vectors, queries = clustered(count)
    exact = ExactIndex(vectors)
    before, start = resident_mb(), time.perf_counter()
    approximate = FaissIndex.build(
        vectors, on_progress=lambda done: print(f"building, {count:,}: {done} %", flush=True)
    )
    build_s, memory_mb = time.perf_counter() - start, resident_mb() - before
    approximate = FaissIndex(vectors, approximate.codes, threads=1)
    masks = {share: np.random.default_rng(2).random(count) < share for share in (0.5, 0.01, 0.001)}
    ours: dict[str, Callable[[Array], object]] = {
        "bare numpy product": lambda query: query @ vectors.T,
        "ours, exact": lambda query: exact.search(query, TOP),
        "ours, approximate": lambda query: approximate.search(query, TOP),
    }
    for share, mask in masks.items():
        ours[f"ours, approximate, {share:.1%} allowed"] = _behind(approximate, mask)
    if not others:
        times_ms = middle_ms(ours, queries, rounds)
        return _figures(count, times_ms, build_s, memory_mb) + _recalls(
            count, approximate, exact, queries, masks
        )
    with contenders(vectors, TOP) as installed:
        times_ms = middle_ms(
            {**ours, **{contender.name: contender.search for contender in installed}},
            queries,
            rounds,
        )
        return [
            *_figures(count, times_ms, build_s, memory_mb),
            *_recalls(count, approximate, exact, queries, masks),
            *_of_others(count, installed, times_ms, exact, queries),
        ]


def _behind(index: VectorIndex, mask: Mask) -> Callable[[Array], object]:
    return lambda query: index.search(query, TOP, mask)


def _figures(
    count: int, times_ms: dict[str, float], build_s: float, memory_mb: float
) -> list[Figure]:
    goals = {"ours, approximate": GOAL_MS.get(count)}
    times = [
        Figure(f"{count:,}: {name}", value, "ms", goals.get(name), "lower")
        for name, value in times_ms.items()
        if name.startswith(("ours", "bare"))
    ]
    ratio = times_ms["ours, exact"] / times_ms["bare numpy product"]
    return [
        *times,
        Figure(f"{count:,}: ours, exact, times a bare product", ratio, "x", 1.3, "lower"),
        Figure(
            f"{count:,}: ours, approximate, time to build",
            build_s,
            "s",
            GOAL_BUILD_S.get(count),
            "lower",
        ),
        Figure(f"{count:,}: ours, approximate, memory", memory_mb, "MB", better="lower"),
    ]


def _recalls(
    count: int, index: FaissIndex, exact: ExactIndex, queries: Array, masks: dict[float, Mask]
) -> list[Figure]:
    name = f"{count:,}: ours, approximate, recall at {TOP}"
    return [
        Figure(name, recall(index, exact, queries), "", GOAL_RECALL),
        *(
            Figure(f"{name}, {share:.1%} allowed", recall(index, exact, queries, mask), "", 0.98)
            for share, mask in masks.items()
        ),
    ]


def _of_others(
    count: int,
    installed: list[Contender],
    times_ms: dict[str, float],
    exact: ExactIndex,
    queries: Array,
) -> list[Figure]:
    some = queries[:RECALL_OF_OTHERS]
    true = exact.search(some, TOP).rows
    figures = []
    for contender in installed:
        name = f" {count:,}: {contender.name}"
        shares = [
            np.isin(best, contender.search(query[None])).mean()
            for query, best in zip(some, true, strict=True)
        ]
        figures += [
            Figure(
                name,
                times_ms[contender.name],
                "ms",
                better="lower",
                note=f"version {contender.version}",
            ),
            Figure(f"{name}, recall at {TOP}", float(np.mean(shares)), ""),
            Figure(f"{name}, time to build", contender.build_s, "s", better="lower"),
            Figure(f"{name}, memory", contender.memory_mb, "MB", better="lower"),
        ]
    return figures


def clustered(count: int) -> tuple[Array, Array]:
    """Return unit vectors as models make them (clusters, few true dimensions, noise), and queries.

    The queries are drawn apart from the vectors, around the same clusters.
    """
    chance = np.random.default_rng(0)
    centres = chance.standard_normal((1_000, 24), dtype=np.float32)
    spread = chance.standard_normal((24, DIMENSION), dtype=np.float32)

    def draw(number: int) -> Array:
        vectors = np.empty((number, DIMENSION), dtype=np.float32)
        for start in range(0, number, 100_000):
            part = vectors[start : start + 100_000]
            inner = centres[chance.integers(0, len(centres), len(part))]
            inner = inner + 0.5 * chance.standard_normal(inner.shape, dtype=np.float32)
            noise = chance.standard_normal(part.shape, dtype=np.float32)
            part[:] = inner @ spread + 0.5 * noise
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return vectors

    return draw(count), draw(RECALL_QUERIES)


def middle_ms(
    searches: dict[str, Callable[[Array], object]], queries: Array, rounds: int
) -> dict[str, float]:
    """Return the middle time of each search, in milliseconds; all take turns in every round."""
    times_ms: dict[str, list[float]] = {name: [] for name in searches}
    for number in range(rounds + 1):
        query = queries[number % len(queries)][None]
        for name, search in searches.items():
            start = time.perf_counter()
            search(query)
            times_ms[name].append(time.perf_counter() - start)
    return {name: 1e3 * median(times[1:]) for name, times in times_ms.items()}


def recall(
    index: VectorIndex, exact: VectorIndex, queries: Array, allowed: Mask | None = None
) -> float:
    """Return the share of the true best rows that the index finds."""
    true = exact.search(queries, TOP, allowed).rows
    rows = index.search(queries, TOP, allowed).rows
    shares = [np.isin(expected, other).mean() for expected, other in zip(true, rows, strict=True)]
    return float(np.mean(shares))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, nargs="*", default=COUNTS, help="how many vectors")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="searches of each kind")
    parser.add_argument("--alone", action="store_true", help="ours alone")
    chosen = parser.parse_args()
    report(
        "search",
        [
            figure
            for count in chosen.count
            for figure in run(count=count, rounds=chosen.rounds, others=not chosen.alone)
        ],
    )
