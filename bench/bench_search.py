"""How long one search takes: a bare numpy product, ours exact, ours approximate, and DuckDB.

All are measured in the same run, one query at a time, in turns, so that a busy machine slows
them alike; the middle of many rounds counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.figures import Figure, report
from sightline.local.vectors import ExactIndex, FaissIndex, VectorIndex

COUNT = 100_000
DIMENSION = 512
TOP = 10
ROUNDS = 60
RECALL_QUERIES = 200

Array = NDArray[np.float32]


def run(*, count: int = COUNT, rounds: int = ROUNDS) -> list[Figure]:
    """Measure over ``count`` vectors, and return the figures."""
    vectors, queries = clustered(count)
    exact = ExactIndex(vectors)
    start = time.perf_counter()
    approximate = FaissIndex.build(vectors, threads=1)
    build_s = time.perf_counter() - start
    some = np.random.default_rng(2).random(count) < 0.5
    few = np.random.default_rng(3).random(count) < 0.01
    table = DuckTable(vectors)
    taken = middle_ms(
        {
            "bare": lambda query: query @ vectors.T,
            "bare+sort": lambda query: np.argpartition(-(query @ vectors.T)[0], TOP)[:TOP],
            "exact": lambda query: exact.search(query, TOP),
            "exact half": lambda query: exact.search(query, TOP, some),
            "exact few": lambda query: exact.search(query, TOP, few),
            "faiss": lambda query: approximate.search(query, TOP),
            "faiss half": lambda query: approximate.search(query, TOP, some),
            "duckdb": table.search,
        },
        queries,
        rounds,
    )
    size = f"{count:,} x {DIMENSION}"
    plain = [
        Figure(f"search: {name}, {size}", taken[key], "ms", better="lower")
        for key, name in (
            ("bare", "bare numpy product"),
            ("bare+sort", "numpy product and argpartition"),
            ("exact", "ours, exact, top 10"),
            ("exact half", "ours, exact, half the rows allowed"),
            ("exact few", "ours, exact, 1 % of the rows allowed"),
            ("faiss", "ours, faiss, top 10"),
            ("faiss half", "ours, faiss, half the rows allowed"),
            ("duckdb", "DuckDB array distance, top 10"),
        )
    ]
    return [
        Figure(
            "search: exact, times a bare numpy product",
            taken["exact"] / taken["bare"],
            "x",
            1.3,
            "lower",
        ),
        *plain,
        Figure("search: faiss, recall at 10", recall(approximate, exact, queries), "", 0.95),
        Figure(
            "search: faiss, recall at 10, half allowed",
            recall(approximate, exact, queries, some),
            "",
            0.95,
        ),
        Figure("search: faiss, time to build", build_s, "s", better="lower", note="(one thread)"),
    ]


def clustered(count: int) -> tuple[Array, Array]:
    """Return unit vectors as models make them (clusters, few true dimensions, noise), and queries.

    The queries are drawn apart from the vectors, around the same clusters.
    """
    chance = np.random.default_rng(0)
    centres = chance.standard_normal((1_000, 24), dtype=np.float32)
    spread = chance.standard_normal((24, DIMENSION), dtype=np.float32)

    def draw(number: int) -> Array:
        inner = centres[chance.integers(0, len(centres), number)]
        inner = inner + 0.5 * chance.standard_normal(inner.shape, dtype=np.float32)
        noise = chance.standard_normal((number, DIMENSION), dtype=np.float32)
        found = inner @ spread + 0.5 * noise
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)

    return draw(count), draw(RECALL_QUERIES)


class DuckTable:
    """The vectors in a DuckDB table, searched by its own distance function."""

    def __init__(self, vectors: Array) -> None:
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), DIMENSION)
        source = pa.table({"id": np.arange(len(vectors)), "v": column})
        self._database = duckdb.connect()
        self._database.register("source", source)
        self._database.execute("CREATE TABLE vectors AS SELECT * FROM source")

    def search(self, query: Array) -> object:
        """Return the nearest rows."""
        return self._database.execute(
            f"SELECT id FROM vectors ORDER BY array_cosine_similarity(v, ?::FLOAT[{DIMENSION}])"
            f" DESC LIMIT {TOP}",
            [query[0].tolist()],
        ).fetchall()


def middle_ms(
    searches: dict[str, Callable[[Array], object]], queries: Array, rounds: int
) -> dict[str, float]:
    """Return the middle time of each search, in milliseconds; all take turns in every round."""
    taken: dict[str, list[float]] = {name: [] for name in searches}
    for number in range(rounds + 1):
        query = queries[number % len(queries)][None]
        for name, search in searches.items():
            start = time.perf_counter()
            search(query)
            taken[name].append(time.perf_counter() - start)
    return {name: 1e3 * median(times[1:]) for name, times in taken.items()}


def recall(
    index: VectorIndex, exact: VectorIndex, queries: Array, allowed: NDArray[np.bool_] | None = None
) -> float:
    """Return the share of the true best rows that the index finds."""
    true = exact.search(queries, TOP, allowed).rows
    found = index.search(queries, TOP, allowed).rows
    shares = [np.isin(one, other).mean() for one, other in zip(true, found, strict=True)]
    return float(np.mean(shares))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="how many vectors")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="searches of each kind")
    chosen = parser.parse_args()
    report("search", run(count=chosen.count, rounds=chosen.rounds))
