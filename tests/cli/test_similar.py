"""Finding the like of an image, explaining a search and making an index, on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sightline.cli import main
from tests.cli.conftest import SCENES, Command, Mistake


@pytest.fixture
def embedded(sightline: Command, scenes: Path) -> Path:
    """Return the folder of scenes that were imported and embedded."""
    sightline("import", str(scenes))
    sightline("enqueue")
    sightline("work", "--drain")
    return scenes


def test_an_image_and_its_observation_find_the_same_and_not_themselves(
    sightline: Command, embedded: Path
) -> None:
    (first, *_) = sightline("search", "a stop sign", "--top", "1")
    path = Path(first["gcs_uri"].removeprefix("file://"))
    by_id = sightline("similar", first["observation_id"], "--top", "4")
    by_file = sightline("similar", str(path), "--top", "4")
    assert len(by_id) == 4
    assert [hit["observation_id"] for hit in by_id] == [hit["observation_id"] for hit in by_file]
    assert first["observation_id"] not in {hit["observation_id"] for hit in by_id}
    assert by_id[0]["score"] >= by_id[-1]["score"]
    shutil.copy(path, "elsewhere.jpg")
    (own, *_) = sightline("similar", "elsewhere.jpg", "--top", "1")
    assert own["observation_id"] == first["observation_id"]
    assert own["score"] == pytest.approx(1.0, abs=1e-5)


def test_an_observation_s_like_asks_no_model_and_obeys_filters(
    sightline: Command, embedded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, *_) = sightline("search", "a pole", "--top", "1")

    def refused(_: object) -> None:
        raise AssertionError("a model was opened")

    monkeypatch.setattr("sightline.operations.search.open_query_embedder", refused)
    hits = sightline(
        "similar", first["observation_id"], "--asset-type", "utility_pole", "--top", "99"
    )
    assert {hit["asset_type"] for hit in hits} == {"ASSET_CLASS_UTILITY_POLE"}
    night = sightline("similar", first["observation_id"], "--answer", "road_signs.lighting=night")
    assert all(hit["answers"]["road_signs"]["lighting"] == "night" for hit in night)


@pytest.mark.extended
def test_a_plan_is_shown_and_nothing_is_searched(
    sightline: Command,
    embedded: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(_: object) -> None:
        raise AssertionError("a model was opened")

    monkeypatch.setattr("sightline.operations.search.open_query_embedder", refused)
    arguments = ("search", "a pole", "--asset-type", "utility_pole", "--explain")
    plan = sightline(*arguments)
    assert (plan["method"], plan["rows"]) == ("exact", SCENES)
    assert 0 < plan["allowed"] == plan["compared"] < SCENES
    assert plan["selectivity"] == plan["allowed"] / SCENES
    assert plan["statement"] is None
    assert main(list(arguments)) == 0
    output = capsys.readouterr().out
    assert f"{plan['allowed']} of {SCENES} rows pass" in output
    newest = sightline("search", "--answer", "road_signs.lighting=night", "--explain")
    assert newest["method"] == "newest"


@pytest.mark.extended
def test_an_index_is_told_refused_for_a_few_vectors_and_dropped(
    sightline: Command, embedded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = sightline("index", "status")
    assert (state["condition"], state["rows"], state["coverage"]) == ("none", SCENES, 0)
    assert main(["index", "status"]) == 0
    assert f"vectors  {SCENES}, 0 of them in the index" in capsys.readouterr().out
    assert main(["index", "create"]) == 2
    remark = capsys.readouterr().err
    assert f"{SCENES} vectors get no index, which needs 512" in remark
    assert sightline("index", "drop") == {"dropped": False}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("similar", "no-such-id"), "nothing was embedded by demo-1 at 256 dimensions; run"),
        (("similar", "gone.jpg"), "gone.jpg: no such file; give an image file, or an"),
        (("similar", "text.jpg"), "text.jpg: the content is neither JPEG, PNG nor WebP"),
        (
            ("search", "--image", "text.jpg"),
            "--image text.jpg: the content is neither JPEG, PNG nor WebP",
        ),
        (("search", "a pole", "--explain"), "nothing was embedded by demo-1 at 256 dimensions"),
        (("search", "a pole", "--polygon", "open.json"), "a ring of it is not closed; let it end"),
        (("index", "create"), "nothing was embedded by demo-1 at 256 dimensions; run"),
        (("index", "status"), "nothing was embedded by demo-1 at 256 dimensions; run"),
    ],
)
def test_what_cannot_be_searched_is_one_line_that_says_what_to_do(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    mistake: Mistake,
) -> None:
    Path("text.jpg").write_text("this is no picture")
    Path("open.json").write_text(
        '{"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2]]]}'
    )
    mistake(*arguments, says=message)


def test_an_unknown_id_and_a_model_mismatch_are_told(
    embedded: Path, mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake("similar", "no-such-id", says="no image 'no-such-id' was embedded by demo-1 at 256")
    monkeypatch.setenv("SIGHTLINE_MODELS__EMBED", "noop")
    monkeypatch.setenv("SIGHTLINE_MODELS__EMBED_DIMENSION", "8")
    for arguments in (["search", "a pole"], ["similar", "no-such-id"], ["index", "create"]):
        message = f"by noop at 8 dimensions, only {SCENES} by demo-1 at 256; vectors of two"
        mistake(*arguments, says=message)
