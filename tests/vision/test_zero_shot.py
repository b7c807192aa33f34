"""Zero-shot answers: only what the card lists, and openly unknown for the rest."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from scripts.demo_model.strangers import render_stranger
from sightline.tasks import load_task
from sightline.vision.card import FieldCard
from sightline.vision.encoder import DualEncoder
from sightline.vision.protocol import Vectors
from sightline.vision.scenes import (
    ASSET_TYPES,
    MAINTENANCE_COVER,
    ROAD_SIGN,
    TASK_OF,
    UTILITY_POLE,
    render,
)
from sightline.vision.zero_shot import ZeroShot, decide

TASKS = Path(__file__).parents[2] / "tasks"


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    values: tuple[str, ...] = ()
    description: str = ""


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return DualEncoder.load()


@pytest.fixture(scope="module")
def zero_shot(encoder: DualEncoder) -> ZeroShot:
    return ZeroShot(encoder)


@pytest.fixture(scope="module")
def signs(encoder: DualEncoder) -> Vectors:
    return encoder.encode_images([render(ROAD_SIGN, 4_000_000 + k).image for k in range(20)])


@pytest.mark.parametrize(
    "field",
    [
        Field("description", "string"),
        Field("count", "integer"),
        Field("height_m", "number"),
        Field("defects", "list"),
        Field("bent_by_a_car", "boolean"),
    ],
)
def test_what_cannot_be_answered_is_null(zero_shot: ZeroShot, signs: Vectors, field: Field) -> None:
    assert {answer[field.name] for answer in zero_shot.answer([field], signs)} == {None}


@pytest.mark.parametrize(
    "field",
    [
        Field("colour", "enum", ("red", "blue", "unknown")),
        Field("sign_type", "enum", ("stop", "horse_crossing", "unknown")),
        Field("sign_type", "enum", ("unknown",)),
        Field("lighting", "enum", ("day", "night", "dusk", "unknown")),
        Field("occluded", "enum", ("yes", "no", "unknown")),
    ],
)
def test_an_enum_with_a_value_never_measured_is_unknown(
    zero_shot: ZeroShot, signs: Vectors, field: Field
) -> None:
    assert {answer[field.name] for answer in zero_shot.answer([field], signs)} == {"unknown"}


def test_a_field_of_another_kind_of_asset_stays_unknown(
    zero_shot: ZeroShot, signs: Vectors
) -> None:
    material = Field("material", "enum", ("wood", "concrete", "metal", "unknown"))
    answers = zero_shot.answer([material], signs)
    assert sum(answer["material"] == "unknown" for answer in answers) >= 19


def test_fewer_values_never_force_an_answer(zero_shot: ZeroShot, encoder: DualEncoder) -> None:
    scenes = [render(ROAD_SIGN, 5_000_000 + k) for k in range(80)]
    stops = [scene.image for scene in scenes if scene.truth["sign_type"] == "stop"]
    field = Field("sign_type", "enum", ("parking", "roundabout", "unknown"))
    answers = zero_shot.answer([field], encoder.encode_images(stops))
    assert stops
    assert {answer["sign_type"] for answer in answers} == {"unknown"}


@pytest.mark.parametrize("kind", ["grey_noise", "stripes"])
def test_a_picture_unlike_anything_known_is_left_unknown(
    zero_shot: ZeroShot, encoder: DualEncoder, kind: str
) -> None:
    pictures = [render_stranger(kind, seed) for seed in range(20)]
    fields = [
        Field("lighting", "enum", ("day", "night", "unknown")),
        Field("occluded", "boolean"),
    ]
    answers = zero_shot.answer(fields, encoder.encode_images(pictures))
    silent = sum(answer == {"lighting": "unknown", "occluded": None} for answer in answers)
    assert silent >= 16


def test_a_task_can_narrow_the_kinds_of_asset(zero_shot: ZeroShot, signs: Vectors) -> None:
    light = Field("lighting", "enum", ("day", "night", "unknown"))
    poles = zero_shot.answer([light], signs, asset_types=[UTILITY_POLE, MAINTENANCE_COVER])
    assert {answer["lighting"] for answer in poles} == {"unknown"}


def test_a_field_that_the_card_calls_unanswerable_is_left_alone(
    encoder: DualEncoder, signs: Vectors
) -> None:
    fields = tuple(replace(entry, answerable=False) for entry in encoder.card.fields)
    silent = DualEncoder.load()
    silent.card = replace(encoder.card, fields=fields)
    light = Field("lighting", "enum", ("day", "night", "unknown"))
    answers = ZeroShot(silent).answer([light], signs)
    assert {answer["lighting"] for answer in answers} == {"unknown"}


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_the_shipped_task_of_an_asset_type_is_answered(
    zero_shot: ZeroShot, encoder: DualEncoder, asset_type: str
) -> None:
    task = load_task(TASKS / f"{TASK_OF[asset_type]}.toml")
    scenes = [render(asset_type, 6_000_000 + k) for k in range(30)]
    vectors = encoder.encode_images([scene.image for scene in scenes])
    answers = zero_shot.answer(task.fields, vectors, asset_types=task.asset_types)
    listed = {e.field for e in encoder.card.fields if e.asset_type == asset_type and e.answerable}
    assert {field.name for field in task.fields} == set(answers[0])
    for name in listed:
        right = sum(a[name] == s.truth[name] for a, s in zip(answers, scenes, strict=True))
        assert right >= 15, name


def test_an_answer_below_the_cut_is_withheld() -> None:
    enum = FieldCard(ROAD_SIGN, "condition", ("clean", "faded"), cut=0.1)
    assert decide(enum, np.array([[0.5, 0.45], [0.2, 0.5]], np.float32)) == ["unknown", "faded"]
    flag = FieldCard(ROAD_SIGN, "tilted", (True, False), threshold=0.2, cut=0.1)
    likeness = np.array([[0.5, 0.0], [0.5, 0.25], [0.0, 0.5]], np.float32)
    assert decide(flag, likeness) == [True, "unknown", False]


def test_no_pictures_have_no_answers(zero_shot: ZeroShot, encoder: DualEncoder) -> None:
    field = Field("lighting", "enum", ("day", "night", "unknown"))
    assert zero_shot.answer([field], encoder.encode_images([])) == []
