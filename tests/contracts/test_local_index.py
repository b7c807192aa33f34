"""Local search beside an index passes its suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sightline.local.warehouse import LocalSearch, LocalVectorIndexes, LocalWriter
from sightline.local.warehouse.search_index import index_path
from sightline.ports import EmbeddingRow
from tests.contracts.index_suite import LATE, PART, Condition, IndexContract, IndexRig

SPACE = (PART.model, PART.dimension)


async def make(root: Path) -> Path:
    """Make the index, and return where it is."""
    await LocalVectorIndexes(root).create(*SPACE, on_progress=lambda *_: None)
    return index_path(root, *SPACE)


async def fill(root: Path, rows: Sequence[EmbeddingRow], condition: Condition) -> None:
    """Write rows, and bring the index into a condition."""
    writer = LocalWriter(root)
    late = LATE if condition == "behind" else 0
    await writer.write(rows[: len(rows) - late])
    match condition:
        case "ready":
            await make(root)
        case "behind":
            await make(root)
            await writer.write(rows[len(rows) - late :])
        case "half built":
            path = await make(root)
            path.write_bytes(path.read_bytes()[:-1000])
        case "of no use":
            other = root.with_name("other")
            strangers = [row.subject_id + "-of-another" for row in rows]
            await LocalWriter(other).write(
                [
                    EmbeddingRow(PART.key(name), name, row.observation, PART, row.vector,
                                 row.provenance)
                    for row, name in zip(rows, strangers, strict=True)
                ]
            )  # fmt: skip
            path = index_path(root, *SPACE)
            path.parent.mkdir()
            (await make(other)).rename(path)


@pytest.fixture
def index(tmp_path: Path) -> IndexRig:
    """Return an empty warehouse."""
    root = tmp_path / "warehouse"

    async def fill_here(rows: Sequence[EmbeddingRow], condition: Condition) -> None:
        await fill(root, rows, condition)

    return IndexRig(LocalSearch(root), LocalVectorIndexes(root), fill_here)


class TestLocalIndex(IndexContract):
    """Inverted lists by faiss, beside Parquet files."""
