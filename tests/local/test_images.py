"""Reading images: what is read, how it is turned, and what is refused for its content."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image

from sightline.errors import PermanentError, Reason, TransientError
from sightline.local.images import looks_like_image
from sightline.vision.images import decoding, open_image
from tests.local.pictures import ORIENTED, encoded, halves, png_of, read, reason_for

MODES = {
    "JPEG": ("RGB", "L", "CMYK", "1"),
    "PNG": ("RGB", "L", "RGBA", "P", "1", "LA"),
    "WEBP": ("RGB", "L", "RGBA", "P", "CMYK", "1", "LA"),
}


@pytest.mark.parametrize(("kind", "mode"), [(kind, flag) for kind in MODES for flag in MODES[kind]])
def test_every_format_and_mode_comes_out_as_rgb(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encoded(halves().convert(mode), kind))
    image = read(path)
    assert (image.mode, image.size) == ("RGB", (64, 40))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((4, 4), 32_896, np.uint16)).save(path)
    assert np.asarray(read(path)).tolist() == [[[128] * 3] * 4] * 4


def test_a_palette_with_transparency_raises_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    halves().convert("P").save(path, transparency=b"\0\1\2")
    assert read(path).size == (64, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (64, 40), (2, 20)),
        (2, (64, 40), (61, 20)),
        (3, (64, 40), (61, 20)),
        (4, (64, 40), (2, 20)),
        (5, (40, 64), (20, 2)),
        (6, (40, 64), (20, 2)),
        (7, (40, 64), (20, 61)),
        (8, (40, 64), (20, 61)),
    ],
)
def test_the_exif_orientation_is_applied(
    tmp_path: Path, kind: str, orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    path = tmp_path / "turned"
    exif = b"Exif\0\0" + ORIENTED % orientation
    path.write_bytes(encoded(halves(), kind, exif=exif))
    image = read(path)
    assert image.size == size
    red, _, blue = image.getpixel(red_at)  # type: ignore[misc]  # an RGB pixel is a tuple
    assert red > 200
    assert blue < 50


@pytest.mark.parametrize(
    "exif",
    [b"", b"II", b"II*\0", b"XX*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff", ORIENTED % 9, b"\0" * 30,
     ORIENTED[:20], b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x07\0" * 400],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_leaves_the_picture_readable(tmp_path: Path, kind: str, exif: bytes) -> None:
    path = tmp_path / "damaged-exif"
    path.write_bytes(encoded(halves(), kind, exif=b"Exif\0\0" + exif))
    assert read(path).size == (64, 40)


def test_the_exif_block_is_found_in_every_format() -> None:
    block = ORIENTED % 6
    for kind in ("JPEG", "PNG", "WEBP"):
        image = open_image(encoded(halves(), kind, exif=b"Exif\0\0" + block), "photo")
        assert image.info["exif"].removeprefix(b"Exif\0\0") == block


def test_the_exif_of_a_png_is_found_behind_its_pixels() -> None:
    whole = encoded(halves(), "PNG")
    exif = png_of(4, 4, (b"eXIf", ORIENTED % 6))[33:-12]
    image = open_image(whole[:-12] + exif + whole[-12:], "photo.png")
    assert image.info["exif"] == ORIENTED % 6


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"note\0\0" + zlib.compress(bytes(2_000_000))),
        (b"zTXt", b"note\0\xff"),
        (b"pHYs", b"\0"),
        (b"acTL", b"\0" * 8),
        (b"iCCP", b"profile\0\1"),
        (b"eXIf", b"II*\0\xff\xff\xff\xff"),
    ],
)
def test_damage_beside_the_pixels_of_a_png_leaves_it_readable(
    tmp_path: Path, chunk: tuple[bytes, bytes]
) -> None:
    whole = encoded(halves(), "PNG")
    path = tmp_path / "photo.png"
    path.write_bytes(whole[:33] + png_of(4, 4, chunk)[33:-12] + whole[33:])
    assert read(path).size == (64, 40)


def test_an_upright_picture_does_not_say_that_it_is_to_be_turned(tmp_path: Path) -> None:
    path = tmp_path / "photo.webp"
    path.write_bytes(encoded(halves(), "WEBP", exif=b"Exif\0\0" + ORIENTED % 6))
    assert read(path).info == {}


def test_a_jpeg_is_decoded_small_but_no_smaller_than_preferred(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: 6}})
    path.write_bytes(encoded(halves(800, 600), exif=exif))
    assert read(path, preferred_size=(90, 100)).size == (150, 200)
    assert read(path, preferred_size=(120, 160)).size == (150, 200)
    assert read(path, preferred_size=(600, 800)).size == (600, 800)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"This is a text, whatever its name says.\n",
        b"GIF89a" + b"\0" * 40,
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"RIFF\x10\0\0\0WEBPxxxx" + b"\0" * 20,
        png_of(4, 4),
        png_of(4, 4, (b"IDAT", b"no zlib stream")),
    ],
)
def test_what_is_no_whole_image_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    assert reason_for(path) is Reason.IMAGE_UNREADABLE


def test_a_jpeg_of_nothing_but_exif_segments_is_refused_at_once(tmp_path: Path) -> None:
    whole = encoded(halves(8, 8))
    segment = b"\xff\xe1\x00\x09Exif\x00\x00x"
    path = tmp_path / "photo.jpg"
    path.write_bytes(whole[:2] + segment * 1_000 + whole[2:])
    assert read(path).size == (8, 8)
    path.write_bytes(whole[:2] + segment * 80_000 + whole[2:])
    assert reason_for(path) is Reason.IMAGE_UNREADABLE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_image_is_unreadable_wherever_it_ends(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    path = tmp_path / "cut"
    for share in (0.01, 0.1, 0.3, 0.5, 0.8, 0.95):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert reason_for(path) is Reason.IMAGE_UNREADABLE


def test_damage_anywhere_is_either_read_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path = tmp_path / "damaged"
    exif = piexif.dump({"0th": {piexif.ImageIFD.Make: b"camera"}})
    for kind in ("JPEG", "PNG", "WEBP"):
        whole = encoded(halves(), kind, exif=exif)
        for _ in range(150):
            content = bytearray(whole)
            for place in rng.integers(0, len(whole), 4):
                content[place] = rng.integers(0, 256)
            path.write_bytes(content)
            try:
                assert read(path).mode == "RGB"
            except PermanentError as error:
                assert error.reason in {Reason.IMAGE_UNREADABLE, Reason.IMAGE_TOO_LARGE}  # noqa: PT017 - either is right


def test_too_many_bytes_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.jpg"
    path.write_bytes(encoded(halves()))
    monkeypatch.setattr(os, "open", None)
    assert reason_for(path, max_bytes=100) is Reason.IMAGE_TOO_LARGE


@pytest.mark.parametrize(
    "content",
    [
        png_of(60_000, 60_000, (b"IDAT", zlib.compress(bytes(1000)))),
        b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2,
        encoded(halves()).replace(b"\x00\x28\x00\x40", b"\xff\xff\xff\xff", 1),
    ],
)
def test_a_decompression_bomb_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(content)
    monkeypatch.setattr(decoding, "_decode", None)
    assert reason_for(path, max_pixels=100_000_000) is Reason.IMAGE_TOO_LARGE


def test_pixels_are_counted_exactly(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    halves().save(path)
    assert read(path, max_bytes=10_000, max_pixels=64 * 40).size == (64, 40)
    assert reason_for(path, max_pixels=64 * 40 - 1) is Reason.IMAGE_TOO_LARGE


def test_too_little_memory_is_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    path = tmp_path / "photo.png"
    halves().save(path)
    monkeypatch.setattr(decoding, "_decode", fail)
    with pytest.raises(TransientError, match="not enough memory"):
        read(path)


def test_only_the_beginning_of_a_file_tells_whether_it_looks_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(encoded(halves())[:16])
    (tmp_path / "b").write_bytes(b"text")
    assert looks_like_image((tmp_path / "a").as_uri())
    assert not looks_like_image((tmp_path / "b").as_uri())
    assert not looks_like_image((tmp_path / "c").as_uri())
    assert not looks_like_image(tmp_path.as_uri())
