"""What an image file says before anything is decoded: format, size, EXIF, and its bare pixels.

Pillow is handed only the parts of a file that make the picture. So damaged metadata cannot make
a picture unreadable, compressed text cannot blow up, and no warning is raised on its account.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Format = Literal["JPEG", "PNG", "WebP"]
SNIFF_BYTES = 16
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_EXIF_PREFIX = b"Exif\x00\x00"
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_SOS, _EOI, _APP0, _APP1, _APP14, _APP15, _COM = 0xDA, 0xD9, 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_ORIENTATION = 0x0112


class BrokenImageError(ValueError):
    """The file is not what it seems to be; the message says where."""


@dataclass(frozen=True, slots=True)
class Container:
    """A file taken apart. ``picture`` is the same picture without its metadata.

    ``exif`` is the TIFF structure without the ``Exif`` prefix, empty where there is none; width
    and height are in pixels, as stored (before the EXIF orientation).
    """

    format: Format
    width: int
    height: int
    exif: bytes
    picture: bytes


def sniff(head: bytes) -> Format | None:
    """Return the format that the first ``SNIFF_BYTES`` bytes of a file announce."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(_PNG_MAGIC):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return None


def open_container(content: bytes) -> Container:
    """Take a JPEG, PNG or WebP file apart.

    Raises:
        BrokenImageError: it is none of these, or ends or breaks before its size is known.
    """
    kind = sniff(content[:SNIFF_BYTES])
    if kind is None:
        raise BrokenImageError("the content is neither JPEG, PNG nor WebP")
    try:
        return {"JPEG": _jpeg, "PNG": _png, "WebP": _webp}[kind](content)
    except (struct.error, IndexError) as error:
        raise BrokenImageError(f"the {kind} ends inside its header") from error


def orientation_of(exif: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none that can be read."""
    try:
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, place)
            if tag == _ORIENTATION and kind in {3, 4}:
                shape = f"{order}H" if kind == 3 else f"{order}I"
                value = int(struct.unpack_from(shape, exif, place + 8)[0])
                return value if 1 <= value <= 8 else 1
    except (KeyError, struct.error):
        return 1
    return 1


def _bare_exif(payload: bytes) -> bytes:
    while payload.startswith(_EXIF_PREFIX):
        payload = payload.removeprefix(_EXIF_PREFIX)
    return payload


def _jpeg(content: bytes) -> Container:
    size: tuple[int, int] | None = None
    exif = b""
    kept = [b"\xff\xd8"]
    for marker, start, stop in _jpeg_segments(content):
        if marker == _SOS:
            kept.append(b"\xff\xda" + content[start:])
            break
        segment = content[start + 2 : stop]
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", segment, 1)
            size = (width, height)
        if marker == _APP1 and segment.startswith(_EXIF_PREFIX) and not exif:
            exif = _bare_exif(segment)
        is_metadata = _APP0 <= marker <= _APP15 and marker not in {_APP0, _APP14}
        if not is_metadata and marker != _COM:
            kept.append(bytes((0xFF, marker)) + content[start:stop])
    if size is None:
        raise BrokenImageError("the JPEG has no frame header")
    return Container("JPEG", *size, exif, b"".join(kept))


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and stop of each segment (its length field included) up to the scan."""
    place = 2
    while True:
        place = content.find(b"\xff", place)
        if place < 0:
            raise BrokenImageError("the JPEG ends before its picture begins")
        while content[place] == 0xFF:
            place += 1
        marker = content[place]
        place += 1
        if marker == _EOI:
            raise BrokenImageError("the JPEG holds no picture")
        if marker == 0 or marker in _BARE:
            continue
        (length,) = struct.unpack_from(">H", content, place)
        if length < 2 or place + length > len(content):
            raise BrokenImageError(
                f"the JPEG's segment at byte {place - 2} is longer than the file"
            )
        yield marker, place, place + length
        place += length


def _png(content: bytes) -> Container:
    width, height = struct.unpack_from(">II", content, 16)
    if content[12:16] != b"IHDR":
        raise BrokenImageError("the PNG does not begin with its header")
    exif = b""
    kept = [_PNG_MAGIC]
    place = len(_PNG_MAGIC)
    while place + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        stop = place + 12 + length
        if name == b"eXIf":
            exif = _bare_exif(content[place + 8 : place + 8 + length])
        is_critical = name[:1].isupper()
        if is_critical:
            kept.append(content[place:stop])
        place = stop
    return Container("PNG", width, height, exif, b"".join(kept))


def _webp(content: bytes) -> Container:
    name = content[12:16]
    if name == b"VP8X":
        width = 1 + int.from_bytes(content[24:27], "little")
        height = 1 + int.from_bytes(content[27:30], "little")
    elif name == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif name == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", content, 26))
    else:
        raise BrokenImageError("the WebP begins with no picture")
    return Container("WebP", width, height, _webp_exif(content), content)


def _webp_exif(content: bytes) -> bytes:
    place = 12
    while place + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, place)
        if name == b"EXIF":
            return _bare_exif(content[place + 8 : place + 8 + length])
        place += 8 + length + length % 2
    return b""
