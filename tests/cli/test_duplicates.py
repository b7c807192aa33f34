"""``sightline duplicates``: copies found, views that belong together, errors of one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.cli import main
from tests.cli.conftest import Command, Mistake
from tests.cli.embedded import COPY, IMAGES, NO_VECTOR

pytestmark = pytest.mark.usefixtures("embedded_space")

EMBEDDED = IMAGES - 1


def test_a_copy_is_found_and_the_newest_image_kept(sightline: Command, embedded_home: Path) -> None:
    report = sightline("duplicates", "--at-least", "0.999")
    assert (report["images"], report["groups"], report["duplicates"]) == (EMBEDDED, 1, 1)
    (group,) = report["largest"]
    newest, copy = group["images"]
    assert {newest["observation_id"], copy["observation_id"]} == {"obs-006", f"obs-{COPY:03d}"}
    assert (newest["kept"], copy["kept"], copy["similarity"]) == (True, False, 1.0)
    assert newest["capture_time"] >= copy["capture_time"]
    assert group["assets"] == 2


def test_what_is_only_alike_is_a_group_at_a_lower_cosine(
    sightline: Command, embedded_home: Path
) -> None:
    report = sightline("duplicates", "--at-least", "0.87")
    assert [len(group["images"]) for group in report["largest"]] == [6, 5]
    for group in report["largest"]:
        numbers = {int(image["observation_id"][-3:]) % 2 for image in group["images"]}
        assert len(numbers) == 1
        assert all(image["similarity"] >= 0.87 for image in group["images"])
    assert len(sightline("duplicates", "--at-least", "0.87", "--top", "1")["largest"]) == 1


def test_within_an_asset_only_its_own_images_are_compared(
    sightline: Command, embedded_home: Path
) -> None:
    assert sightline("duplicates", "--within-asset")["groups"] == 0
    report = sightline("duplicates", "--within-asset", "--at-least", "0")
    assert all(group["assets"] == 1 for group in report["largest"])


def test_views_of_an_asset_and_of_a_place(sightline: Command, embedded_home: Path) -> None:
    report = sightline("duplicates", "--multi-view")
    pairs = EMBEDDED // 2  # one image of the last asset has no vector
    assert report["groups"] == pairs
    assert all(group["views"] == len(group["images"]) == 2 for group in report["largest"])
    whole = sightline("duplicates", "--multi-view", "--metres", "500", "--at-least", "0.999")
    (place,) = whole["largest"]
    assert len(place["images"]) == EMBEDDED
    (copy,) = [image["observation_id"] for image in place["images"] if image["duplicate"]]
    assert copy in {"obs-006", f"obs-{COPY:03d}"}
    assert place["views"] == EMBEDDED - 1
    assert f"obs-{NO_VECTOR:03d}" not in {image["observation_id"] for image in place["images"]}


def test_people_see_how_many_could_go(
    sightline: Command, embedded_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["duplicates", "--at-least", "0.999"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("11 images: 1 are nearly the same as one of 1 that is kept\n")
    assert "1.0000" in out
    assert main(["duplicates", "--multi-view"]) == 0
    assert "11 images: 5 places are seen from several sides" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--metres", "5"), "--metres 5.0 needs --multi-view"),
        (("--multi-view", "--within-asset"), "leave --within-asset out"),
        (("--multi-view", "--metres", "nan"), "see `sightline duplicates --help`"),
        (("--at-least", "2"), "see `sightline duplicates --help`"),
        (("--asset-type", "painting"), "0 images that pass have a vector by demo-1"),
        (("--near", "52,5,50"), "1 images that pass have a vector by demo-1"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    mistake: Mistake, embedded_home: Path, arguments: tuple[str, ...], message: str
) -> None:
    mistake("duplicates", *arguments, says=message)


def test_where_nothing_is_embedded_it_says_how_to_go_on(mistake: Mistake) -> None:
    mistake("duplicates", says="nothing was embedded by demo-1 at 4 dimensions; run")
