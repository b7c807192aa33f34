"""Rendered posters, paintings and portraits: the same every time, and how well they are told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.tasks import load_tasks, shipped_directory
from sightline.vision.encoder import DualEncoder
from sightline.vision.pictures import KINDS, PORTRAITS_A_PERSON, render_pictures

COUNT = 60
SEED = 2026
FOUND = 0.55
"""Of the first four pictures most like a portrait, those that show the same person; of 60 pictures
of twelve people 0.07 would be by chance."""
AT_NIGHT = 0.9
"""Of the first ten paintings for "a painting at night", those that are; 0.3 by chance."""


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return DualEncoder.load()


def rows(directory: Path) -> list[dict[str, str]]:
    """Return the table of a folder."""
    with (directory / "observations.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def images(directory: Path) -> list[Image.Image]:
    """Return the pictures of a folder, in the order of its table."""
    return [Image.open(directory / row["gcs_uri"]).convert("RGB") for row in rows(directory)]


def truths(directory: Path) -> dict[str, Any]:
    """Return what is known of each picture."""
    lines = (directory / "ground_truth.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["observation_id"]: row["truth"] for row in map(json.loads, lines)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_pictures_and_another_gives_others(
    kind: str, tmp_path: Path
) -> None:
    progress: list[int] = []
    collection = render_pictures(kind, tmp_path / "a", count=6, seed=1, on_progress=progress.append)
    render_pictures(kind, tmp_path / "b", count=6, seed=1)
    render_pictures(kind, tmp_path / "c", count=6, seed=2)
    assert progress == [1, 2, 3, 4, 5, 6]
    assert collection.observations == len(rows(tmp_path / "a")) == 6
    assert collection.table.read_bytes() == (tmp_path / "b" / "observations.csv").read_bytes()
    first, again, other = [
        [(tmp_path / folder / row["gcs_uri"]).read_bytes() for row in rows(tmp_path / folder)]
        for folder in "abc"
    ]
    assert first == again
    ids = [{row["observation_id"] for row in rows(tmp_path / folder)} for folder in "ac"]
    assert len(ids[0] | ids[1]) == 12, "a second seed replaces nothing of the first"
    assert not set(first) & set(other)


@pytest.mark.parametrize(
    ("kind", "task"), [("posters", "film_posters"), ("paintings", "paintings")]
)
def test_the_truth_is_an_answer_of_the_shipped_task(kind: str, task: str, tmp_path: Path) -> None:
    collection = render_pictures(kind, tmp_path, count=40, seed=SEED)
    assert collection.ground_truth is not None
    spec = load_tasks((shipped_directory(),))[task]
    known = {field.name: field for field in spec.fields}
    assert {row["asset_type"] for row in rows(tmp_path)} == set(spec.asset_types)
    answers = list(truths(tmp_path).values())
    assert len(answers) == collection.observations
    for truth in answers:
        assert set(truth) == set(known)
        for name, value in truth.items():
            assert not known[name].values or value in known[name].values
    if kind == "posters":
        years = [answer["year"] for answer in answers]
        assert None in years
        assert all(1888 <= year <= 2100 for year in years if year is not None)
        assert len({answer["title"] for answer in answers}) > 20
    else:
        assert len({answer["subject"] for answer in answers}) == 4


def test_portraits_of_a_person_are_images_of_one_asset(tmp_path: Path) -> None:
    collection = render_pictures("portraits", tmp_path, count=13, seed=SEED)
    assert (collection.assets, collection.ground_truth) == (3, None)
    assets = [row["asset_id"] for row in rows(tmp_path)]
    assert (
        assets
        == [f"person-{SEED}-000"] * PORTRAITS_A_PERSON
        + [f"person-{SEED}-001"] * PORTRAITS_A_PERSON
        + [f"person-{SEED}-002"] * 3
    )


def test_the_most_alike_of_a_portrait_show_the_same_person_far_more_often_than_chance(
    tmp_path: Path, encoder: DualEncoder
) -> None:
    render_pictures("portraits", tmp_path, count=COUNT, seed=SEED)
    people = np.array([row["asset_id"] for row in rows(tmp_path)])
    vectors = encoder.encode_images(images(tmp_path))
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    others = PORTRAITS_A_PERSON - 1
    best = np.argsort(-cosines, axis=1)[:, :others]
    share = float((people[best] == people[:, None]).mean())
    assert share >= FOUND > 5 * others / (COUNT - 1)


def test_words_find_what_the_model_knows_among_paintings_and_nothing_else(
    tmp_path: Path, encoder: DualEncoder
) -> None:
    render_pictures("paintings", tmp_path, count=COUNT, seed=SEED)
    shows = [str(answer["shows"]) for answer in truths(tmp_path).values()]
    at_night = np.array(["at night" in caption for caption in shows])
    (words,) = encoder.encode_texts(["a painting at night"])
    best = np.argsort(-(encoder.encode_images(images(tmp_path)) @ words))[:10]
    assert float(at_night[best].mean()) >= AT_NIGHT > 2 * float(at_night.mean())
    assert set(encoder.unknown_words("a stormy sea with a small boat")) >= {"stormy", "sea", "boat"}
