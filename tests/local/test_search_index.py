"""The index beside the local vectors: made by hand, used by searches, kept fresh, told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.local.warehouse import LocalSearch, LocalVectorIndexes, LocalWriter, compact_all
from sightline.local.warehouse.search_index import index_path
from sightline.model import EmbeddingPart, Filter
from sightline.ports import EmbeddingRow, IndexState, SearchQuery
from tests.contracts.warehouse_rig import NOW, POLE, observation, provenance
from tests.local.test_vectors import Array, random_units

PART = EmbeddingPart("demo-1", 16)
COUNT = 1_500


@pytest.fixture(scope="module")
def vectors() -> Array:
    """Return a vector for each image."""
    return random_units(2 * COUNT, 16)


def row(number: int, vector: Sequence[float]) -> EmbeddingRow:
    """Return the embedding of an image."""
    image = observation(number, observation_id=f"obs-{number:05d}")
    key = PART.key(image.observation_id)
    return EmbeddingRow(key, image.observation_id, image, PART, vector, provenance())


async def write(root: Path, vectors: Array, numbers: Sequence[int]) -> None:
    """Write the embeddings of these images."""
    await LocalWriter(root).write([row(number, vectors[number].tolist()) for number in numbers])


async def made(root: Path) -> IndexState:
    """Make the index."""
    return await LocalVectorIndexes(root).create("demo-1", 16, on_progress=lambda *_: None)


def search_query(vector: Array, **changes: object) -> SearchQuery:
    """Return a query."""
    return SearchQuery("demo-1", 16, vector.tolist(), **changes)  # type: ignore[arg-type]  # real fields


async def test_an_index_is_made_told_used_and_dropped(
    tmp_path: Path, vectors: Array, trained: list[int]
) -> None:
    indexes = LocalVectorIndexes(tmp_path)
    await write(tmp_path, vectors, range(COUNT))
    none = await indexes.status("demo-1", 16)
    assert (none.condition, none.rows, none.covered) == ("none", COUNT, 0)
    progress: list[tuple[int, int | None]] = []
    made_now = await indexes.create(
        "demo-1", 16, on_progress=lambda done, total: progress.append((done, total))
    )
    assert progress[-1] == (100, 100)
    assert (made_now.condition, made_now.covered, made_now.coverage) == ("ready", COUNT, 1.0)
    assert made_now.lists
    assert made_now.bytes
    assert made_now.refreshed_at is not None
    plan = await LocalSearch(tmp_path).explain(search_query(vectors[3]))
    assert (plan.method, plan.lists, plan.rows) == ("index", made_now.lists, COUNT)
    assert plan.probes is not None
    assert plan.compared < COUNT
    (hit,) = await LocalSearch(tmp_path).search(search_query(vectors[3], top=1))
    assert hit.observation.observation_id == "obs-00003"
    await indexes.create("demo-1", 16, on_progress=lambda *_: None)
    assert trained == [COUNT]
    assert [await indexes.drop("demo-1", 16) for _ in range(2)] == [True, False]
    assert (await LocalSearch(tmp_path).explain(search_query(vectors[3]))).method == "exact"


async def test_an_index_serves_on_while_workers_append_and_files_are_merged(
    tmp_path: Path, vectors: Array, trained: list[int]
) -> None:
    await write(tmp_path, vectors, range(0, 2 * COUNT, 2))
    search = LocalSearch(tmp_path, exact_up_to=0)
    await search.search(search_query(vectors[0]))
    await write(tmp_path, vectors, range(1, COUNT, 2))
    (late,) = await search.search(search_query(vectors[COUNT - 1], top=1))
    assert late.observation.observation_id == f"obs-{COUNT - 1:05d}"
    state = await LocalVectorIndexes(tmp_path).status("demo-1", 16)
    assert (state.condition, state.rows, state.covered) == ("behind", COUNT + COUNT // 2, COUNT)
    plan = await search.explain(search_query(vectors[0]))
    assert plan.reason.endswith("vectors that it lacks are compared as well")
    compact_all(tmp_path, now=NOW + timedelta(days=9), everything=True)
    after = [hit.observation for hit in await search.search(search_query(vectors[9], top=5))]
    assert after[0].observation_id == "obs-00009"
    assert trained == [COUNT]
    assert (await made(tmp_path)).condition == "ready"
    assert trained == [COUNT]


@pytest.mark.parametrize("share", [0.01, 0.001])
async def test_a_selective_filter_finds_what_a_full_scan_finds(
    tmp_path: Path, vectors: Array, share: float
) -> None:
    few = max(1, round(COUNT * share))
    rows = [row(number, vectors[number].tolist()) for number in range(COUNT)]
    chosen = set(np.random.default_rng(1).choice(COUNT, few, replace=False).tolist())
    await LocalWriter(tmp_path).write(
        [
            EmbeddingRow(
                entry.part_key,
                entry.subject_id,
                observation(
                    number,
                    observation_id=entry.subject_id,
                    asset_type=POLE if number in chosen else "OTHER",
                ),
                PART,
                entry.vector,
                entry.provenance,
            )
            for number, entry in enumerate(rows)
        ]
    )
    await made(tmp_path)
    query = search_query(vectors[2 * COUNT - 1], top=10, filter=Filter(asset_types=(POLE,)))
    search = LocalSearch(tmp_path)
    assert (await search.explain(query)).selectivity == pytest.approx(few / COUNT)
    ids = [hit.observation.observation_id for hit in await search.search(query)]
    scores = {number: float(vectors[number] @ vectors[2 * COUNT - 1]) for number in chosen}
    best = sorted(chosen, key=lambda number: -scores[number])[:10]
    assert ids == [f"obs-{number:05d}" for number in best]


async def test_a_search_that_has_to_make_an_index_first_says_how_far_it_is(
    tmp_path: Path, vectors: Array, caplog: pytest.LogCaptureFixture
) -> None:
    await write(tmp_path, vectors, range(COUNT))
    with caplog.at_level(logging.WARNING):
        await LocalSearch(tmp_path, exact_up_to=0).search(search_query(vectors[3]))
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) >= 3
    assert all(
        message.startswith("building the index of 1,500 vectors, once: ") for message in messages
    )
    caplog.clear()
    await LocalSearch(tmp_path, exact_up_to=0).search(search_query(vectors[3]))
    assert caplog.records == []


async def test_an_index_half_written_is_told_and_not_used(
    tmp_path: Path, vectors: Array, caplog: pytest.LogCaptureFixture
) -> None:
    await write(tmp_path, vectors, range(COUNT))
    await made(tmp_path)
    path = index_path(tmp_path, "demo-1", 16)
    path.write_bytes(path.read_bytes()[:-1000])
    state = await LocalVectorIndexes(tmp_path).status("demo-1", 16)
    assert state.condition == "unusable"
    assert "is damaged" in state.detail
    plan = await LocalSearch(tmp_path).explain(search_query(vectors[3]))
    assert plan.method == "exact"
    assert "is damaged" in plan.reason
    with caplog.at_level(logging.WARNING):
        (hit,) = await LocalSearch(tmp_path).search(search_query(vectors[3], top=1))
    assert hit.observation.observation_id == "obs-00003"
    assert (await made(tmp_path)).condition == "ready"


async def test_an_index_of_vectors_that_are_gone_is_unusable(
    tmp_path: Path, vectors: Array
) -> None:
    await write(tmp_path / "old", vectors, range(COUNT))
    await made(tmp_path / "old")
    await write(tmp_path / "new", vectors, range(COUNT, 2 * COUNT))
    target = index_path(tmp_path / "new", "demo-1", 16)
    target.parent.mkdir()
    index_path(tmp_path / "old", "demo-1", 16).rename(target)
    state = await LocalVectorIndexes(tmp_path / "new").status("demo-1", 16)
    assert (state.condition, state.covered) == ("unusable", 0)
    plan = await LocalSearch(tmp_path / "new").explain(search_query(vectors[3]))
    assert (plan.method, plan.compared) == ("exact", COUNT)
    first = await LocalSearch(tmp_path / "new", exact_up_to=0).explain(search_query(vectors[3]))
    assert (first.method, "the first search" in first.reason) == ("index", True)


async def test_too_few_vectors_and_none_are_refused_in_one_line(
    tmp_path: Path, vectors: Array
) -> None:
    with pytest.raises(NotFoundError, match="nothing was embedded by demo-1 at 16"):
        await LocalVectorIndexes(tmp_path).status("demo-1", 16)
    with pytest.raises(NotFoundError, match="nothing was embedded by demo-1 at 16"):
        await made(tmp_path)
    await write(tmp_path, vectors, [0])
    with pytest.raises(ConfigurationError, match="1 vectors get no index, which needs 512"):
        await made(tmp_path)
    assert "1 vectors need none" in (await LocalVectorIndexes(tmp_path).status("demo-1", 16)).detail
    with pytest.raises(NotFoundError, match="only 1 by demo-1 at 16"):
        await LocalVectorIndexes(tmp_path).status("other", 16)
