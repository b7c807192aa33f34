"""What is planted into rendered scenes is found, by the demo model's vectors."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.analysis.duplicates import leaders
from sightline.analysis.nearness import Array, nearest_others, unit_vectors
from sightline.analysis.outliers import Neighbour, disagreement
from sightline.local.models import LocalVision
from sightline.settings import Settings
from sightline.vision.scenes import render_collection

SCENES = 360
NEIGHBOURS = 10
COPIES = 30


@dataclass(frozen=True, slots=True)
class Scenes:
    """Images, what they really show, and their vectors."""

    paths: Sequence[Path]
    truth: Sequence[dict[str, Any]]
    vectors: Array


async def embedded(paths: Sequence[Path]) -> Array:
    """Return the vectors of images."""
    own = Settings()
    async with LocalVision.open(own.models, own.images, answers=False, embeds=True) as vision:
        image_vectors = [await vision.image_vector(path.as_uri()) for path in paths]
    return unit_vectors(np.stack([np.asarray(vector, np.float32) for vector in image_vectors]))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    """Return rendered scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    render_collection(folder, count=SCENES, seed=11, processes=1)
    truth = [json.loads(line) for line in (folder / "ground_truth.jsonl").read_text().splitlines()]
    by_id = {path.stem: path for path in folder.rglob("*.jpg")}
    paths = [by_id[scene["observation_id"]] for scene in truth]
    return Scenes(paths, truth, asyncio.run(embedded(paths)))


@pytest.mark.extended
def test_most_wrong_answers_are_found_and_most_that_are_found_are_wrong(
    scenes: Scenes,
) -> None:
    """One answer in twenty is made wrong, field by field, where a field has values to compare."""
    chance = random.Random(0)
    planted = flagged = right = 0
    for task in sorted({scene["task"] for scene in scenes.truth}):
        rows = [n for n, scene in enumerate(scenes.truth) if scene["task"] == task]
        blocks = list(nearest_others(scenes.vectors[rows], 4 * NEIGHBOURS))
        near = np.concatenate([block.rows for block in blocks]).tolist()
        cosines = np.concatenate([block.cosines for block in blocks]).tolist()
        for field, kind in scenes.truth[rows[0]]["truth"].items():
            if not isinstance(kind, str | bool):
                continue
            answers = [scenes.truth[row]["truth"][field] for row in rows]
            wrong = set(chance.sample(range(len(rows)), len(rows) // 20))
            others = sorted(set(answers), key=str)
            for position in wrong:
                answers[position] = chance.choice(
                    [value for value in others if value != answers[position]]
                )
            named = {
                place
                for place, value in enumerate(answers)
                if (
                    odd := disagreement(
                        value,
                        [
                            Neighbour(str(row), cosine, answers[row])
                            for row, cosine in zip(near[place], cosines[place], strict=True)
                        ],
                        count=NEIGHBOURS,
                        fewest=NEIGHBOURS // 2,
                    )
                )
                and odd.score >= 0.5
            }
            planted, flagged, right = (
                planted + len(wrong),
                flagged + len(named),
                right + len(named & wrong),
            )
    assert planted >= 80
    assert right / planted >= 0.7
    assert right / flagged >= 0.8


@pytest.mark.extended
def test_copies_are_found_whether_recompressed_resized_or_cropped(
    scenes: Scenes, tmp_path: Path
) -> None:
    products = scenes.vectors @ scenes.vectors.T
    np.fill_diagonal(products, -1)
    assert products.max() < 0.998
    originals = random.Random(1).sample(range(SCENES), COPIES)
    copies = [
        _copy(scenes.paths[original], number, tmp_path) for number, original in enumerate(originals)
    ]
    vectors = np.concatenate((scenes.vectors, asyncio.run(embedded(copies))))
    planted = {SCENES + number: original for number, original in enumerate(originals)}
    groups = leaders(vectors, range(len(vectors)), 0.98)
    assert all(groups.rows[copy] != copy for copy in planted)
    groups = leaders(vectors, range(len(vectors)), 0.995)
    named = set(np.flatnonzero(groups.rows != np.arange(len(vectors))).tolist())
    right = {copy for copy, original in planted.items() if groups.rows[copy] == original}
    assert len(right) / COPIES >= 0.8
    assert len(right) / len(named) >= 0.9


def _copy(path: Path, number: int, folder: Path) -> Path:
    """Write an image anew: recompressed, smaller, or without its edges."""
    target = folder / f"copy-{number}.jpg"
    with Image.open(path) as image:
        width, height = image.size
        match number % 3:
            case 0:
                image.save(target, quality=40)
            case 1:
                image.resize((width * 3 // 4, height * 3 // 4)).save(target, quality=85)
            case _:
                edge = (width // 100, height // 100, width - width // 100, height - height // 100)
                image.crop(edge).save(target, quality=85)
    return target
