"""``sightline render``, and what can be done with such pictures on one machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Mistake, Shown


def test_posters_paintings_and_portraits_go_through_the_whole_job(
    sightline: Command, tmp_path: Path
) -> None:
    for kind, count in (("posters", 4), ("paintings", 6), ("portraits", 15)):
        collection = sightline("render", kind, kind, "--count", str(count))
        assert (collection["directory"], collection["pictures"]) == (kind, count)
        report = sightline("import", kind)
        assert (report["imported"], report["refused"]) == (count, 0)
    sightline("enqueue", code=6)  # no task is about portraits
    sightline("work", "--drain")
    assert sightline("status", "--check")["holds"] is True
    hits = sightline("similar", "portrait-2026-001-0", "--top", "5", "--asset-type", "portrait")
    ids = [hit["observation_id"] for hit in hits]
    assert len(ids) == 5
    assert "portrait-2026-001-0" not in ids
    (night, *_) = sightline("search", "a painting at night", "--asset-type", "painting")
    truth = (tmp_path / "paintings" / "ground_truth.jsonl").read_text().splitlines()
    shows = {scene["observation_id"]: scene["truth"]["shows"] for scene in map(json.loads, truth)}
    assert "at night" in shows[night["observation_id"]]
    # The demo model does not read, and says so.
    sightline("export", "posters.csv", "--task", "film_posters")
    scores = sightline("evaluate", "posters/ground_truth.jsonl")
    assert {score["field"]: (score["subjects"], score["answered"]) for score in scores} == {
        "title": (4, 0), "year": (4, 0), "script": (4, 0)
    }  # fmt: skip


def test_pictures_of_two_seeds_are_imported_beside_each_other(
    sightline: Command, shown: Shown
) -> None:
    for seed in ("1", "2"):
        sightline("render", "portraits", f"faces-{seed}", "--count", "6", "--seed", seed)
        assert sightline("import", f"faces-{seed}")["imported"] == 6
    assert sightline("estimate")["observations"] == 12


def test_streets_are_rendered_as_the_demo_s(sightline: Command, tmp_path: Path) -> None:
    collection = sightline("render", "streets", "town", "--count", "3", "--seed", "5")
    assert collection["pictures"] == 3
    assert len(list((tmp_path / "town").rglob("*.jpg"))) == 3
    assert sightline("import", "town")["imported"] == 3


def test_people_are_told_what_was_made_and_how_to_go_on(shown: Shown) -> None:
    code, out, err = shown("render", "portraits", "faces", "--count", "6")
    assert (code, out) == (0, "6 pictures of 2 assets are in faces\n")
    assert "next: `sightline import faces`" in err
    assert shown("render", "posters", "one", "--count", "1")[1] == (
        "1 picture of 1 asset is in one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sculptures", "there"), "'sculptures' cannot be rendered; give one of posters, paint"),
        (("posters", "full"), "full exists and is not empty; give another DIRECTORY, or remove"),
        (("posters", "full/mine.txt"), "exists and is not empty; give another DIRECTORY"),
        (("posters", "there", "--count", "0"), "see `sightline render --help`"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_drawn(
    mistake: Mistake, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    mistake("render", *arguments, says=message)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]


def test_a_folder_that_cannot_be_made_is_told(mistake: Mistake, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    mistake("render", "posters", "file/posters", says="Not a directory; give a", code=4)
