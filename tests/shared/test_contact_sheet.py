"""A contact sheet: one page that shows images and runs nothing that they or their answers say."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from sightline.contact_sheet import render_grid
from sightline.errors import ConfigurationError
from sightline.model import Observation
from sightline.operations.contact_sheets import WrittenSheet, hit_cards, write_hits
from sightline.operations.search import SearchResult
from sightline.ports import SearchHit
from sightline.settings import Settings, load_settings

HOSTILE = '"><script>alert(1)</script>'
TITLE = f"a sign {HOSTILE}"


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of this kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def file_uri(path: Path) -> str:
    return path.absolute().as_uri()


def photograph(path: Path, *, turned: bool = False) -> Path:
    """Write a photograph, 60 wide and 40 high, red at its left; ``turned``: stored on its side."""
    picture = Image.new("RGB", (60, 40), "white")
    picture.paste("red", (0, 0, 30, 40))
    exif = Image.Exif()
    if turned:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6  # to be turned clockwise
    picture.save(path, "JPEG", quality=95, exif=exif)
    return path


def hit(
    uri: str, answer: Mapping[str, object] | None = None, score: float | None = 0.25
) -> SearchHit:
    """Return a hit of this image."""
    image = Observation(
        "obs-1", "asset", "snapshot", "ASSET_CLASS_ROAD_SIGN", uri,
        latitude=52.1, longitude=5.1, capture_time=datetime(2026, 5, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    return SearchHit(image, score, {"road_signs": answer or {"sign_type": "stop"}})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings by which the images of this test's folder may be read."""
    monkeypatch.chdir(tmp_path)
    return load_settings(overrides={"images": {"roots": (tmp_path,)}})


def written(settings: Settings, *hits: SearchHit) -> tuple[WrittenSheet, Page]:
    """Write a sheet and return it, read again."""
    file = settings.home.parent / "sheet.html"
    sheet = write_hits(settings, SearchResult(hits, [HOSTILE]), file, title=TITLE)
    return sheet, Page(file.read_text(encoding="utf-8"))


def picture_of(image: Mapping[str, str | None]) -> Image.Image:
    """Return the thumbnail of an ``img`` element."""
    kind, _, encoded = (image["src"] or "").partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


def test_a_page_shows_each_image_with_its_score_answers_and_a_description(
    settings: Settings, tmp_path: Path
) -> None:
    shown_hit = hit(file_uri(photograph(tmp_path / "stop sign.jpg")), {"sign_type": "stop", "n": 0})
    sheet, page = written(settings, shown_hit, shown_hit)
    assert (sheet.images, sheet.unreadable) == (2, 0)
    first, second = page.all("img")
    assert first == second
    assert first["alt"] == "road sign: sign type stop, n 0"
    for text in ("score 0.250", "sign type stop, n 0", "stop sign.jpg", "52.10000, 5.10000",
                 "2026-05-01 12:00 UTC", "obs-1"):  # fmt: skip
        assert text in page.text
    assert page.all("html") == [{"lang": "en"}]


def test_a_page_needs_nothing_from_anywhere_and_may_load_and_run_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    _, page = written(settings, hit(file_uri(photograph(tmp_path / "a.jpg"))))
    policies = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "form", "a"}
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_names_answers_and_queries_are_shown_and_never_run(
    settings: Settings, tmp_path: Path
) -> None:
    name = f"{HOSTILE.replace('/', '-')}' onerror='x.jpg"
    answer = {"sign_type": HOSTILE, HOSTILE: "\u202ereversed", "note": "\ud800"}
    _, page = written(
        settings,
        hit(file_uri(photograph(tmp_path / name)), answer),
        hit(f"file:///{HOSTILE}.jpg", answer),
        hit(f"gs://bucket/{HOSTILE}"),
        hit(f"javascript:{HOSTILE}"),
    )
    tags = {tag for tag, _ in page.elements}
    assert tags <= {"html", "head", "meta", "title", "style", "body", "header", "h1", "p", "bdi",
                    "main", "ul", "li", "figure", "img", "figcaption", "span", "dl", "dt", "dd",
                    "footer"}  # fmt: skip
    assert not [
        attribute for _, named in page.elements for attribute in named if attribute.startswith("on")
    ]
    assert page.text.count(HOSTILE) >= 6
    assert TITLE in page.text


def test_a_thumbnail_is_upright(settings: Settings, tmp_path: Path) -> None:
    _, page = written(settings, hit(file_uri(photograph(tmp_path / "a.jpg", turned=True))))
    (image,) = page.all("img")
    picture = picture_of(image)
    assert picture.size == (60, 40)
    assert picture.getpixel((5, 20)) != picture.getpixel((55, 20))
    red, green, _ = picture.convert("RGB").getpixel((5, 20))  # type: ignore[misc]  # of three bands
    assert (red > 200, green < 60) == (True, True)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("file:///nowhere/gone.jpg", "/nowhere/gone.jpg"),
        ("https://example.org/a.jpg", "cannot be shown; give a file:// or a gs:// URI"),
    ],
)
def test_an_image_that_cannot_be_read_is_shown_with_the_reason(
    settings: Settings, uri: str, reason: str
) -> None:
    sheet, page = written(settings, hit(uri))
    assert (sheet.images, sheet.unreadable) == (1, 1)
    assert page.all("img") == []
    assert reason in page.text


def test_an_image_outside_of_the_folders_that_may_be_read_is_not_shown(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = photograph(tmp_path_factory.mktemp("elsewhere") / "secret.jpg")
    sheet, page = written(settings, hit(file_uri(secret)))
    assert sheet.unreadable == 1
    assert page.all("img") == []


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("gs://delivered/2026-05/v0/obs-1.jpg", True),
        ("gs://mine/2026-05/obs-1.jpg", False),
        ("file:///mine/2026-05/v0/obs-1.jpg", False),
    ],
)
def test_images_that_google_delivered_are_named_as_google_s(
    settings: Settings, uri: str, named: bool
) -> None:
    _, page = written(settings, hit("file:///gone.jpg"), hit(uri))
    assert ("Imagery © Google" in page.text) == named


def test_a_result_without_images_says_so(settings: Settings) -> None:
    _, page = written(settings)
    assert "No image was found." in page.text


def test_a_file_is_replaced_only_when_told_to_and_never_by_half_a_page(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sheet.html"
    file.write_text("mine")
    result = SearchResult([hit("file:///gone.jpg")])
    with pytest.raises(ConfigurationError, match="already exists"):
        write_hits(settings, result, file, title="t")

    def broken(_: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("sightline.operations.contact_sheets.render_sheet", broken)
        with pytest.raises(MemoryError):
            write_hits(settings, result, file, title="t", force=True)
    assert file.read_text() == "mine"
    assert list(tmp_path.glob("*.html")) == [file]
    write_hits(settings, result, file, title="t", force=True)
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_grid_for_a_notebook_has_the_same_cards_and_says_how_many_more_there_are(
    settings: Settings, tmp_path: Path
) -> None:
    shown_hit = hit(file_uri(photograph(tmp_path / "a.jpg")))
    _, page = written(settings, shown_hit)
    grid = render_grid(hit_cards(settings, [shown_hit]), more=1234)
    assert Page(grid).all("img") == page.all("img")
    assert "and 1,234 more" in grid
    assert "<html" not in grid
