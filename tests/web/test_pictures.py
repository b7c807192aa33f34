"""PictureMaker: upright, without metadata, made once, kept within a bound, and never fatal."""

from __future__ import annotations

import asyncio
import errno
import logging
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import piexif
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sightline.errors import PermanentError, Reason
from sightline.operations.gallery.picture_files import PictureFiles
from sightline.operations.gallery.thumbnails import PictureMaker, picture_key
from sightline.operations.images import ImageSource, open_images
from sightline.settings import Settings, load_settings

JPEG = b"\xff\xd8content\xff\xd9"


def jpeg(size: tuple[int, int] = (400, 200), *, orientation: int = 1) -> bytes:
    exif = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Orientation: orientation, piexif.ImageIFD.Make: b"secret"},
            "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"N"},
        }
    )
    content = BytesIO()
    Image.new("RGB", size, "red").save(content, "JPEG", exif=exif)
    return content.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """Return a PNG that says it has this size, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


class _Counted(ImageSource):
    def __init__(self, content: bytes) -> None:
        self.reads = 0
        self._bytes = content

    def content(self, uri: str) -> bytes:
        self.reads += 1
        return self._bytes


@contextmanager
def pictures(folder: Path, content: bytes) -> Iterator[tuple[PictureMaker, _Counted]]:
    source = _Counted(content)
    with ThreadPoolExecutor(2) as threads:
        yield PictureMaker(source, PictureFiles(folder, 1_000_000), threads), source


async def test_a_picture_is_upright_and_without_metadata(tmp_path: Path) -> None:
    with pictures(tmp_path, jpeg(orientation=6)) as (made, _):
        picture = await made.picture("file:///a.jpg", 160)
    with Image.open(BytesIO(picture.content)) as image:
        assert image.size == (80, 160)
        assert "exif" not in image.info
    assert b"secret" not in picture.content
    assert picture.original_size == (200, 400)


async def test_visitors_who_want_the_same_picture_wait_for_the_same_one(tmp_path: Path) -> None:
    with pictures(tmp_path, jpeg()) as (made, source):
        both = await asyncio.gather(*(made.picture("file:///a.jpg", 320) for _ in range(20)))
        again = await made.picture("file:///a.jpg", 300)
        assert {picture.content for picture in both} == {again.content}
        assert source.reads == 1
        assert await made.original_size("file:///a.jpg") == (400, 200)
        assert await made.original_size("file:///b.jpg") is None


async def test_a_visitor_who_leaves_does_not_stop_the_picture_of_another(tmp_path: Path) -> None:
    with pictures(tmp_path, jpeg()) as (made, _):
        leaving, staying = (
            asyncio.ensure_future(made.picture("file:///a.jpg", 320)) for _ in range(2)
        )
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).original_size == (400, 200)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<svg onload=alert(1)>", Reason.IMAGE_UNREADABLE),
        (jpeg()[:200], Reason.IMAGE_UNREADABLE),
        (huge_png(20_000, 10_000), Reason.IMAGE_TOO_LARGE),
        (huge_png(2_000_000, 2_000_000), Reason.IMAGE_TOO_LARGE),
    ],
    ids=["no picture", "cut", "200 megapixels", "bomb"],
)
async def test_a_bad_picture_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, reason: Reason
) -> None:
    with pictures(tmp_path, content) as (made, _), pytest.raises(PermanentError) as refused:
        await made.picture("file:///a.jpg", 320)
    assert refused.value.reason is reason


def test_the_pictures_unused_for_longest_are_removed(tmp_path: Path) -> None:
    now = 1_000_000.0
    files = PictureFiles(tmp_path, 5 * len(JPEG), now_s=lambda: now)
    keys = [picture_key(f"file:///{number}", 160) for number in range(6)]
    for number, key in enumerate(keys[:5]):
        files.put(key, JPEG)
        path = next(tmp_path.glob(f"*/{key}.jpg"))
        import os

        os.utime(path, (now - 90_000 + number, now - 90_000 + number))
    assert files.get(keys[0]) == JPEG  # used again
    files.put(keys[5], JPEG)
    kept = [files.get(key) is not None for key in keys]
    assert kept == [True, False, False, True, True, True]


def test_part_of_a_file_and_what_a_killed_process_left_are_no_pictures(tmp_path: Path) -> None:
    key = picture_key("file:///a", 160)
    files = PictureFiles(tmp_path, 1000, now_s=lambda: 4e9)
    files.put(key, JPEG)
    left_behind = next(tmp_path.glob("*")) / ".x.tmp"
    left_behind.write_bytes(JPEG)
    (tmp_path / key[:2] / f"{key}.jpg").write_bytes(JPEG[:-1])
    assert files.get(key) is None
    PictureFiles(tmp_path, 1000, now_s=lambda: 4e9).put(picture_key("file:///b", 160), JPEG)
    assert not left_behind.exists()


async def test_on_a_full_disk_pictures_are_shown_uncached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pictures(tmp_path, jpeg()) as (made, source), caplog.at_level(logging.WARNING):
        first = await made.picture("file:///a.jpg", 320)
        assert await made.picture("file:///a.jpg", 320) == first
    assert source.reads == 2
    assert "No space left" in caplog.text


def test_files_outside_the_imported_folders_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    images_settings = {"roots": [str(tmp_path / "elsewhere")]}
    settings: Settings = load_settings(
        environment={}, overrides={"home": tmp_path / "home", "images": images_settings}
    )
    with open_images(settings) as images, pytest.raises(PermanentError):
        images.read((tmp_path / "a.jpg").as_uri())


def test_a_thumbnail_is_kept_by_the_browser(owner: TestClient) -> None:
    image = owner.get("/api/images?size=1").json()["images"][0]["id"]
    first = owner.get(f"/thumbnails/{image}?size=160")
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "private, max-age=86400"
    again = owner.get(
        f"/thumbnails/{image}?size=160", headers={"if-none-match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    details = owner.get(f"/api/images/{image}").json()
    with Image.open(BytesIO(owner.get(f"/pictures/{image}").content)) as large:
        assert (details["width"], details["height"]) == large.size


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%00", "x" * 3000, "%0d%0aset-cookie:a"]
)
def test_names_that_are_no_images_are_not_found(owner: TestClient, name: str) -> None:
    for path in (f"/thumbnails/{name}", f"/pictures/{name}", f"/static/{name}"):
        response = owner.get(path)
        assert response.status_code == 404, path
        assert "set-cookie" not in response.headers


def test_a_picture_is_searched_by_and_a_second_browser_sees_the_same(
    owner: TestClient, viewer: TestClient
) -> None:
    image = owner.get("/api/images?size=1").json()["images"][0]["id"]
    content = owner.get(f"/pictures/{image}").content
    response = viewer.post("/api/query-images", content=content)
    assert response.status_code == 200, response.text
    key = response.json()["image"]
    ranked = viewer.get(f"/api/images?image={key}&size=5").json()["images"]
    assert ranked[0]["id"] == image
    assert owner.get(f"/api/images?image={key}&size=5").json()["images"] == ranked


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 422), (b"<svg>", 422), (huge_png(100_000, 100_000), 422), (bytes(20_000_001), 413)],
)
def test_an_upload_that_is_no_picture_is_refused(
    owner: TestClient, content: bytes, status: int
) -> None:
    response = owner.post("/api/query-images", content=content)
    assert response.status_code == status
    assert set(response.json()) == {"error"}


def test_the_contact_sheet_has_the_selected_images_and_runs_no_script(owner: TestClient) -> None:
    response = owner.get("/sheet?type=road_sign")
    assert response.status_code == 200
    assert response.text.count("data:image/jpeg;base64,") >= 1
    assert "sandbox" in response.headers["content-security-policy"]
    assert "script" not in response.headers["content-security-policy"]
