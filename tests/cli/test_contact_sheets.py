"""``--html``: a page with the images beside what a command shows anyway."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.model import Observation
from sightline.operations.search import SearchResult
from sightline.ports import SearchHit
from tests.cli.conftest import Command, Mistake, Shown
from tests.cli.embedded import WRONG

pytestmark = pytest.mark.usefixtures("embedded_space")

FILTERS = ("--asset-type", "utility_pole", "--answer", "road_signs.sign_type=stop")
OUTLIERS = ("outliers", "signs", "--neighbours", "4")


def test_a_search_writes_its_hits_filters_and_unknown_words(
    shown: Shown, embedded_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def search(*_: object, **__: object) -> SearchResult:
        image = Observation("obs-1", "asset", "snapshot", "", "file:///gone.jpg")
        return SearchResult([SearchHit(image, 0.5, {})], ["giraffe"])

    monkeypatch.setattr("sightline.operations.search.search", search)
    plain = shown("search", "a giraffe", *FILTERS)
    code, out, err = shown("search", "a giraffe", *FILTERS, "--html", "found.html")
    assert (code, out) == (0, plain[1])
    assert err.endswith("found.html: 1 images, 1 of which cannot be read\n")
    page = Path("found.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 1
    for text in ("<title>a giraffe</title>", "the model does not know: giraffe",
                 "--asset-type utility_pole --answer road_signs.sign_type=stop"):  # fmt: skip
        assert text in page


def test_outliers_are_written_with_what_their_neighbours_say(
    sightline: Command, embedded_home: Path
) -> None:
    plain = sightline(*OUTLIERS)
    assert sightline(*OUTLIERS, "--html", "review.html") == plain
    page = Path("review.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 1
    assert f"obs-{WRONG:03d}" in page
    assert "<bdi>yield, 4 of 4</bdi>" in page


def test_similar_images_are_written(sightline: Command, embedded_home: Path) -> None:
    plain = sightline("similar", "obs-000", "--top", "3")
    hits = sightline("similar", "obs-000", "--top", "3", "--html", "like-it.html")
    assert hits == plain
    page = Path("like-it.html").read_text(encoding="utf-8")
    assert page.count("<figure") == len(hits) == 3
    assert "<title>images like obs-000</title>" in page


@pytest.mark.parametrize("command", [("search", "a pole"), OUTLIERS, ("similar", "obs-000")])
def test_a_page_is_refused_before_anything_is_searched(
    mistake: Mistake, embedded_home: Path, command: tuple[str, ...]
) -> None:
    Path("mine.html").write_text("mine")
    mistake(*command, "--html", "mine.html", says="mine.html already exists; give another FILE")
    mistake(*command, "--html", "no/page.html", says="there is no folder")
    mistake(*command, "--force", "--html", ".sightline/a.html", says="this project's own files")
    assert Path("mine.html").read_text() == "mine"


def test_what_is_only_explained_has_no_page(mistake: Mistake, embedded_home: Path) -> None:
    mistake("search", "a pole", "--explain", "--html", "a.html", says="--explain searches nothing")
