"""``sightline outliers``: the wrong answer is named, with those that contradict it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.cli import main
from tests.cli.answered import answered_home
from tests.cli.conftest import Command, Mistake
from tests.cli.embedded import IMAGES, WRONG

pytestmark = pytest.mark.usefixtures("embedded_space")


def test_an_answer_that_its_neighbours_contradict_is_found(
    sightline: Command, embedded_home: Path
) -> None:
    found = sightline("outliers", "signs", "--neighbours", "4")
    (one,) = found["outliers"]
    wrong = f"obs-{WRONG:03d}"
    assert (one["observation_id"], one["field"], one["value"]) == (wrong, "kind", "stop")
    assert (one["expected"], one["score"]) == ("yield", 1.0)
    assert [some["value"] for some in one["neighbours"]] == ["yield"] * 4
    likeness = [some["similarity"] for some in one["neighbours"]]
    assert likeness == sorted(likeness, reverse=True)
    assert wrong not in [some["observation_id"] for some in one["neighbours"]]
    assert (found["answers"], found["without_vector"]) == (IMAGES, 1)
    assert found["fields"] == [
        {"field": "kind", "known": IMAGES - 2, "outliers": 1},
        {"field": "tilted", "known": 0, "outliers": 0},
        {"field": "count", "known": IMAGES - 1, "outliers": 0},
    ]


def test_fields_and_filters_narrow_it(sightline: Command, embedded_home: Path) -> None:
    found = sightline("outliers", "--field", "count")
    assert [one["field"] for one in found["fields"]] == ["count"]
    assert found["outliers"] == []
    assert sightline("outliers", "--asset-type", "utility_pole")["answers"] == IMAGES // 2


def test_people_see_what_to_review(
    sightline: Command, embedded_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outliers", "--neighbours", "4"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("signs: 11 answers compared with those about similar images\n")
    assert "stop      yield       4 of 4" in said.out
    assert "1 answers are about images without a vector by demo-1" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trees",), "no task 'trees'; there are "),
        (("--field", "colour"), "signs has no field 'colour'; give one of kind, tilted, count"),
        (
            ("--field", "note"),
            "--field note is not of type enum, boolean or integer; give one of kind",
        ),
        (("--asset-type", "tree"), "no answer of signs passes"),
        (("--near", "52,5,50"), "1 of 1 answered images have a vector by demo-1"),
        (("--at-least", "nan"), "see `sightline outliers --help`"),
        (("--neighbours", "0"), "see `sightline outliers --help`"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    mistake: Mistake, embedded_home: Path, arguments: tuple[str, ...], said: str
) -> None:
    mistake("outliers", *arguments, says=said)


def test_vectors_of_another_model_are_none(
    mistake: Mistake,
    embedded_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGHTLINE_MODELS__EMBED_DIMENSION", "8")
    mistake("outliers", says="nothing was embedded by demo-1 at 8 dimensions, only")


def test_nothing_answered_and_a_task_without_such_a_field_say_how_to_go_on(
    mistake: Mistake, tmp_path: Path
) -> None:
    mistake("outliers", says="nothing is answered yet; run `sightline enqueue`")
    answered_home(tmp_path)
    mistake("outliers", "poles", says="no field of poles can be compared; give another task")
