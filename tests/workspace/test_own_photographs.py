"""Own photographs through the Python API: what is left out, misspelt or empty is said there too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import sightline as sl
from sightline.errors import ConfigurationError, NotFoundError
from sightline.vision.scenes import ROAD_SIGN, render

QUICK = {"worker": {"drain_idle_s": 0.2, "flush_s": 0.2}}
PHOTOS = 2


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sl.Workspace]:
    """Return a project with photographs of no type, worked off."""
    folder = tmp_path_factory.mktemp("own")
    photos = folder / "photos"
    photos.mkdir()
    for number in range(PHOTOS):
        render(ROAD_SIGN, number).image.save(photos / f"photo-{number}.jpg")
    with sl.open(folder / "project", settings=QUICK) as opened:
        opened.import_images(photos)
        assert len(opened.estimate(embed_only=True).lines) == 1
        run = opened.enqueue()
        assert run.messages == PHOTOS
        assert run.unmatched is not None
        assert run.unmatched.by_asset_type == (("ASSET_CLASS_UNSPECIFIED", PHOTOS),)
        assert "2 of 2 observations match no task" in run._repr_html_()
        opened.work()
        yield opened


def test_a_search_says_what_a_person_should_know_about_its_hits(workspace: sl.Workspace) -> None:
    hits = workspace.search("a stop sign")
    assert len(hits) == PHOTOS
    assert any("it cannot read photographs" in line for line in hits.remarks)
    assert "it cannot read photographs" in hits._repr_html_()


def test_a_search_that_finds_nothing_says_which_filter_left_nothing(
    workspace: sl.Workspace,
) -> None:
    hits = workspace.search("a stop sign", near=(52.09, 5.12, 500))
    assert hits.emptied is not None
    assert (hits.emptied.total, hits.emptied.steps[-1].left) == (PHOTOS, 0)
    assert hits.emptied.remark == "2 have no position"
    assert workspace.search("a stop sign").emptied is None


def test_misspelt_names_are_asked_back(workspace: sl.Workspace, tmp_path: Path) -> None:
    for call in (
        lambda: workspace.search("a stop sign", asset_type="road_signs"),
        lambda: workspace.similar("photo", asset_type="road_signs"),
        lambda: workspace.answers("road_signs", asset_type="road_signs"),
        lambda: workspace.embeddings(asset_type="road_signs"),
        lambda: workspace.stats(asset_type="road_signs"),
        lambda: workspace.count_answers("road_signs", "lighting", asset_type="road_signs"),
        lambda: workspace.duplicates(asset_type="road_signs"),
        lambda: workspace.places(asset_type="road_signs"),
        lambda: workspace.enqueue(asset_type="road_signs"),
        lambda: workspace.estimate(asset_type="road_signs"),
    ):
        with pytest.raises(NotFoundError, match=r"did you mean road_sign\?"):
            call()
    with pytest.raises(NotFoundError, match=r"did you mean road_signs\?"):
        workspace.enqueue(["road_sign"])
    with pytest.raises(ConfigurationError, match=r"asset_typ: not a filter \(did you mean asset_t"):
        workspace.search("a stop sign", asset_typ="road_sign")  # type: ignore[call-arg]  # misspelt
    with pytest.raises(ConfigurationError, match=r"no asset type lamp; .*add new_type=True"):
        workspace.import_images(tmp_path, asset_type="lamp")
    assert workspace.import_images(tmp_path, asset_type="lamp", new_type=True).imported == 0
