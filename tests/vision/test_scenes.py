"""Rendered scenes: the same for the same seed, balanced, and laid out as a delivery is."""

import csv
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.vision.scenes import (
    ASSET_TYPES,
    ATTRIBUTES,
    COLUMNS,
    ROAD_SIGN,
    compose,
    render,
    render_collection,
)
from sightline.vision.scenes.truth import draw_truth


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_the_same_seed_gives_the_same_pixels(asset_type: str) -> None:
    first, second = render(asset_type, 5), render(asset_type, 5)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.truth == second.truth
    assert render(asset_type, 6).image.tobytes() != first.image.tobytes()


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_a_scene_states_a_known_value_for_every_field(asset_type: str) -> None:
    scene = render(asset_type, 11)
    assert scene.image.size == (320, 240)
    assert scene.image.mode == "RGB"
    assert set(scene.truth) == set(ATTRIBUTES[asset_type])
    for field, value in scene.truth.items():
        assert value in ATTRIBUTES[asset_type][field]


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_the_bounds_lie_in_the_picture(asset_type: str) -> None:
    for seed in range(8):
        left, top, right, bottom = render(asset_type, seed).bounds
        assert 0 <= left < right <= 320
        assert 0 <= top < bottom <= 240


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_no_value_of_a_field_is_overwhelming(asset_type: str) -> None:
    rng = np.random.default_rng(0)
    truths = [draw_truth(asset_type, rng) for _ in range(1000)]
    for field in ATTRIBUTES[asset_type]:
        commonest = Counter(truth[field] for truth in truths).most_common(1)[0][1]
        assert commonest <= 620


def test_one_changed_attribute_changes_the_picture() -> None:
    truth = dict(render(ROAD_SIGN, 1).truth)
    plain = compose(ROAD_SIGN, {**truth, "condition": "clean"}, asset_seed=1, view_seed=2)
    tagged = compose(ROAD_SIGN, {**truth, "condition": "graffiti"}, asset_seed=1, view_seed=2)
    assert plain.image.tobytes() != tagged.image.tobytes()


def test_an_asset_type_that_cannot_be_rendered_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of"):
        render("ASSET_CLASS_TREE", 1)


def _rows(directory: Path) -> list[dict[str, str]]:
    with (directory / "observations.csv").open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_a_collection_is_laid_out_as_a_delivery(tmp_path: Path) -> None:
    numbers: list[int] = []
    collection = render_collection(tmp_path / "town", count=30, seed=3, on_progress=numbers.append)
    rows = _rows(collection.directory)
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == collection.observations == 30
    assert numbers == [25, 30]
    assert len({row["observation_id"] for row in rows}) == 30
    assert len({row["asset_id"] for row in rows}) == collection.assets < 30
    for row in rows:
        assert row["gcs_uri"] == f"{row['snapshot_id']}/v0/{row['observation_id']}.jpg"
        with Image.open(collection.directory / row["gcs_uri"]) as stored:
            assert (stored.format, stored.size) == ("JPEG", (320, 240))
        assert datetime.fromisoformat(row["capture_time"]) < datetime.fromisoformat(
            row["detection_time"]
        )
        assert set(json.loads(row["bbox"])) == {"x_min", "y_min", "x_max", "y_max"}
        assert "heading" in json.loads(row["camera_pose"])
        assert abs(float(row["latitude"]) - 52.09) < 0.03
        assert abs(float(row["longitude"]) - 5.12) < 0.05


def test_the_ground_truth_of_a_collection_names_every_observation(tmp_path: Path) -> None:
    collection = render_collection(tmp_path, count=20, seed=3)
    lines = collection.ground_truth.read_text(encoding="utf-8").splitlines()
    facts = [json.loads(line) for line in lines]
    assert [fact["observation_id"] for fact in facts] == [
        row["observation_id"] for row in _rows(tmp_path)
    ]
    assert {fact["task"] for fact in facts} <= {
        "road_signs",
        "utility_poles",
        "maintenance_covers",
    }


def test_views_of_one_asset_share_its_lasting_attributes(tmp_path: Path) -> None:
    collection = render_collection(tmp_path, count=40, seed=8)
    lines = collection.ground_truth.read_text(encoding="utf-8").splitlines()
    facts = [json.loads(line) for line in lines]
    lasting: dict[str, dict[str, object]] = {}
    for row, fact in zip(_rows(tmp_path), facts, strict=True):
        truth = {k: v for k, v in fact["truth"].items() if k not in {"lighting", "weather"}}
        assert lasting.setdefault(row["asset_id"], truth) == truth


def test_a_pool_writes_the_same_collection_as_one_process(tmp_path: Path) -> None:
    render_collection(tmp_path / "one", count=30, seed=4)
    render_collection(tmp_path / "pool", count=30, seed=4, processes=2)
    alone = {
        p.relative_to(tmp_path / "one"): p.read_bytes() for p in (tmp_path / "one").rglob("*.*")
    }
    pool = {
        p.relative_to(tmp_path / "pool"): p.read_bytes() for p in (tmp_path / "pool").rglob("*.*")
    }
    assert alone == pool


def test_a_collection_that_fails_leaves_no_table(tmp_path: Path) -> None:
    def refuse(_: int) -> None:
        raise RuntimeError("stop here")

    with pytest.raises(RuntimeError, match="stop here"):
        render_collection(tmp_path, count=30, seed=3, on_progress=refuse)
    assert not list(tmp_path.glob("observations*"))
    assert not list(tmp_path.glob(".*"))
