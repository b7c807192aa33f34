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
    report = sightline("outliers", "signs", "--neighbours", "4")
    (outlier,) = report["outliers"]
    wrong = f"obs-{WRONG:03d}"
    assert (outlier["observation_id"], outlier["field"], outlier["value"]) == (
        wrong,
        "kind",
        "stop",
    )
    assert (outlier["expected"], outlier["score"]) == ("yield", 1.0)
    assert [some["value"] for some in outlier["neighbours"]] == ["yield"] * 4
    likeness = [some["similarity"] for some in outlier["neighbours"]]
    assert likeness == sorted(likeness, reverse=True)
    assert wrong not in [some["observation_id"] for some in outlier["neighbours"]]
    assert (report["answers"], report["without_vector"]) == (IMAGES, 1)
    assert report["fields"] == [
        {"field": "kind", "known": IMAGES - 2, "outliers": 1},
        {"field": "tilted", "known": 0, "outliers": 0},
        {"field": "count", "known": IMAGES - 1, "outliers": 0},
    ]


def test_fields_and_filters_narrow_it(sightline: Command, embedded_home: Path) -> None:
    report = sightline("outliers", "--field", "count")
    assert [field["field"] for field in report["fields"]] == ["count"]
    assert report["outliers"] == []
    assert sightline("outliers", "--asset-type", "utility_pole")["answers"] == IMAGES // 2


def test_people_see_what_to_review(
    sightline: Command, embedded_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outliers", "--neighbours", "4"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("signs: 11 answers compared with those about similar images\n")
    assert "stop      yield       4 of 4" in output.out
    assert "1 answers are about images without a vector by demo-1" in output.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trees",), "no task 'trees'; there are "),
        (("--field", "colour"), "signs has no field 'colour'; give one of kind, tilted, count"),
        (
            ("--field", "note"),
            "--field note is not of type enum, boolean or integer; give one of kind",
        ),
        (("--asset-type", "painting"), "no answer of signs passes"),
        (("--near", "52,5,50"), "1 of 1 answered images have a vector by demo-1"),
        (("--at-least", "nan"), "see `sightline outliers --help`"),
        (("--neighbours", "0"), "see `sightline outliers --help`"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    mistake: Mistake, embedded_home: Path, arguments: tuple[str, ...], message: str
) -> None:
    mistake("outliers", *arguments, says=message)


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
    mistake("outliers", says="there are no answers yet; run `sightline enqueue`")
    answered_home(tmp_path)
    mistake("outliers", "poles", says="no field of poles can be compared; give another task")
