"""What vector search is compared with: DuckDB, and LanceDB and hnswlib where they are installed.

The last two are no dependencies: `python -m bench search` gets them for its run (hnswlib is
compiled, which needs a C++ compiler).
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contender:
    """A search to be timed: the best rows of a query of shape (1, dimension).

    ``version`` is its package's; ``memory_mb`` is what it added to the process; ``build_s`` what
    it took to make.
    """

    name: str
    version: str
    search: Callable[[Array], Rows]
    approximate: bool
    build_s: float
    memory_mb: float


@contextmanager
def contenders(vectors: Array, top: int) -> Iterator[list[Contender]]:
    """Yield those that are installed, each over a copy of the vectors of its own."""
    with tempfile.TemporaryDirectory() as folder:
        installed = [_duckdb(vectors, top)]
        if (lancedb := _module("lancedb")) is not None:
            installed += _lancedb(lancedb, folder, vectors, top)
        if (hnswlib := _module("hnswlib")) is not None:
            installed.append(_hnswlib(hnswlib, vectors, top))
        yield installed


def resident_mb() -> float:
    """Return the memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _module(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed, and not measured")
        return None


def _column(vectors: Array) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])


def _duckdb(vectors: Array, top: int) -> Contender:
    start, before = time.perf_counter(), resident_mb()
    source = pa.table({"id": np.arange(len(vectors)), "v": _column(vectors)})
    database = duckdb.connect()
    database.register("source", source)
    database.execute("CREATE TABLE vectors AS SELECT * FROM source")
    database.unregister("source")
    statement = (
        "SELECT id FROM vectors"
        f" ORDER BY array_cosine_similarity(v, ?::FLOAT[{vectors.shape[1]}]) DESC LIMIT {top}"
    )

    def search(query: Array) -> Rows:
        rows = database.execute(statement, [query[0].tolist()]).fetchall()
        return np.array([row[0] for row in rows], dtype=np.int64)

    build_s = time.perf_counter() - start
    return Contender(
        "DuckDB, all compared", duckdb.__version__, search, False, build_s, resident_mb() - before
    )


def _lancedb(lancedb: Any, folder: str, vectors: Array, top: int) -> list[Contender]:
    start, before = time.perf_counter(), resident_mb()
    source = pa.table({"id": np.arange(len(vectors)), "v": _column(vectors)})
    table = lancedb.connect(folder).create_table("vectors", source)
    written_s = time.perf_counter() - start

    def flat(query: Array) -> Rows:
        query_builder = table.search(query[0], vector_column_name="v").distance_type("cosine")
        return _ids(query_builder.bypass_vector_index().limit(top))

    def by_index(query: Array) -> Rows:
        query_builder = table.search(query[0], vector_column_name="v").distance_type("cosine")
        return _ids(query_builder.nprobes(20).refine_factor(10).limit(top))

    exact = Contender(
        "LanceDB, all compared", lancedb.__version__, flat, False, written_s, resident_mb() - before
    )
    table.create_index(metric="cosine", vector_column_name="v", index_type="IVF_HNSW_SQ")
    build_s = time.perf_counter() - start
    memory = resident_mb() - before
    return [
        exact,
        Contender("LanceDB, IVF_HNSW_SQ", lancedb.__version__, by_index, True, build_s, memory),
    ]


def _ids(query_builder: Any) -> Rows:
    return np.asarray(
        query_builder.select(["id", "_distance"]).to_arrow()["id"].to_numpy(), dtype=np.int64
    )


def _hnswlib(hnswlib: Any, vectors: Array, top: int) -> Contender:
    start, before = time.perf_counter(), resident_mb()
    index = hnswlib.Index("ip", vectors.shape[1])  # of unit vectors the inner product is the cosine
    index.init_index(len(vectors), ef_construction=100, M=16, random_seed=1)
    for begin in range(0, len(vectors), 50_000):
        index.add_items(
            vectors[begin : begin + 50_000],
            np.arange(begin, begin + 50_000)[: len(vectors) - begin],
        )
        print(f"hnswlib: {min(begin + 50_000, len(vectors)):,} of {len(vectors):,}", flush=True)
    index.set_ef(64)
    index.set_num_threads(1)

    def search(query: Array) -> Rows:
        rows, _ = index.knn_query(query, k=top)
        return np.asarray(rows[0], dtype=np.int64)

    build_s = time.perf_counter() - start
    return Contender(
        "hnswlib, M 16, ef 64", version("hnswlib"), search, True, build_s, resident_mb() - before
    )
