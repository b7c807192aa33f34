"""Search quality on rendered scenes, by the demo model: the index against comparing all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from sightline.gcp.bigquery.search_plan import fraction_of, lists_for
from sightline.local.models import LocalVision
from sightline.local.vectors import ExactIndex, FaissIndex, choice
from sightline.local.vectors.training import bounded_threads, import_faiss
from sightline.settings import Settings
from sightline.vision.scenes import render_collection
from tests.local.test_vectors import Array
from tests.local.test_vectors_faiss import recall

SCENES = 700
TEXTS = (
    "a stop sign with graffiti",
    "a leaning wooden pole with a transformer",
    "a cracked round cover at night",
    "a faded yield sign in the rain",
    "a metal pole with a street lamp",
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the URIs of rendered scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    render_collection(folder, count=SCENES, seed=11)
    return [path.as_uri() for path in sorted(folder.rglob("*.jpg"))]


async def embedded(images_at: Sequence[str]) -> tuple[Array, Array]:
    """Return the vectors of images, and of some texts."""
    own = Settings()
    async with LocalVision.open(own.models, own.images, answers=False, embeds=True) as vision:
        images = [await vision.image_vector(uri) for uri in images_at]
        texts = [await vision.text_vector(text) for text in TEXTS]
    return np.stack(images), np.stack(texts)


@pytest.mark.extended
async def test_lists_as_bigquery_s_index_has_them_are_searched_far_enough(
    scenes: list[str],
) -> None:
    """Inverted lists of whole vectors by faiss stand in for BigQuery's."""
    vectors, texts = await embedded(scenes)
    lists = lists_for(SCENES)
    faiss = import_faiss()
    index = faiss.index_factory(vectors.shape[1], f"IVF{lists},Flat", faiss.METRIC_L2)
    with bounded_threads(faiss, 1):
        index.train(vectors)
        index.add(vectors)
        index.nprobe = math.ceil(fraction_of(lists) * lists)
        assert index.nprobe < lists / 2
        for queries in (texts, vectors[::7]):
            _, actual_rows = index.search(queries, 10)
            assert recall(actual_rows, ExactIndex(vectors).search(queries, 10).rows) >= 0.98


@pytest.mark.extended
async def test_the_index_finds_what_comparing_all_finds(
    scenes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, texts = await embedded(scenes)
    assert len(vectors) == SCENES
    index, exact = FaissIndex.build(vectors, threads=1), ExactIndex(vectors)
    for queries in (texts, vectors[::7]):
        true = exact.search(queries, 10).rows
        assert recall(index.search(queries, 10).rows, true) >= 0.98
    chance = np.random.default_rng(0)
    for few in (SCENES // 100, 1):  # 1 %, 0.1 %: these are compared
        allowed = np.zeros(SCENES, dtype=np.bool_)
        allowed[chance.choice(SCENES, few, replace=False)] = True
        hits = index.search(texts, 10, allowed)
        np.testing.assert_array_equal(hits.rows, exact.search(texts, 10, allowed).rows)
    monkeypatch.setattr(choice, "EXACT_ALLOWED", 0)  # and a half and a third through the index
    for share in (2, 3):
        allowed = np.arange(SCENES) % share == 0
        true = exact.search(texts, 10, allowed).rows
        assert recall(index.search(texts, 10, allowed).rows, true) >= 0.98
