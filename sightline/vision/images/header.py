"""Opens an image file without decoding it: its format, size and EXIF, as read by Pillow.

Pillow warns about damaged EXIF, and warnings can only be silenced for all threads at once. So
Pillow is kept from parsing EXIF, and ``orientation_of`` reads the one tag that is needed.

Pillow refuses a PNG for damage in any chunk, including text, so it receives only the chunks of the
picture. ``Image.open`` has one pixel limit for the whole process, and detects another format in a
JPEG that contains a second picture, so its plugins are called for the format that ``sniff``
detects. It joins the EXIF segments of a JPEG one by one, which takes minutes for a file of nothing
else.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Literal

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sightline.errors import PermanentError, Reason

Format = Literal["JPEG", "PNG", "WebP"]
SNIFF_BYTES = 16
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_EXIF_PREFIX = b"Exif\x00\x00"
_EXIF_SEGMENT = b"\xff\xe1"
_MOST_EXIF_SEGMENTS = 4096
_ORIENTATION = 0x0112
# Pillow's errors for damaged input, mainly OSError and its own SyntaxError.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip


class _JpegWithoutResolution(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Do not parse EXIF for a resolution that is not needed."""


def sniff(head: bytes) -> Format | None:
    """Return the format indicated by the first ``SNIFF_BYTES`` bytes of a file."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(_PNG_MAGIC):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return None


def open_image(content: bytes, uri: str) -> ImageFile:
    """Open a JPEG, PNG or WebP; ``uri`` is only used in errors. ``info["exif"]`` is its EXIF.

    Raises:
        PermanentError: ``image_unreadable`` or ``image_too_large``, according to the header.
    """
    kind = sniff(content)
    if kind is None:
        raise PermanentError(
            Reason.IMAGE_UNREADABLE, f"{uri}: the content is neither JPEG, PNG nor WebP"
        )
    try:
        return _PLUGINS[kind](content)
    except Image.DecompressionBombError as error:
        raise too_large(uri, "more pixels than Pillow decodes") from error
    except DAMAGE as error:
        raise unreadable(uri, error) from error


def upright_size(content: bytes, uri: str) -> tuple[int, int]:
    """Return the width and height of an image as it is shown, in pixels, without decoding it.

    Raises:
        PermanentError: as ``open_image``.
    """
    with open_image(content, uri) as image:
        lies_on_its_side = orientation_of(image.info.get("exif", b"")) >= 5
        return image.size[::-1] if lies_on_its_side else image.size


def too_large(uri: str, what: str) -> PermanentError:
    """Return the error of an image that exceeds a limit."""
    return PermanentError(Reason.IMAGE_TOO_LARGE, f"{uri} has {what}")


def unreadable(uri: str, error: Exception) -> PermanentError:
    """Return the one-line error of an image that Pillow cannot read."""
    text = " ".join(str(error).split()) or type(error).__name__
    return PermanentError(Reason.IMAGE_UNREADABLE, f"{uri}: {text[:200]}")


def orientation_of(exif: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if there is no readable one."""
    while exif.startswith(_EXIF_PREFIX):
        exif = exif.removeprefix(_EXIF_PREFIX)
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


def _open_jpeg(content: bytes) -> JpegImageFile:
    if content.count(_EXIF_SEGMENT) > _MOST_EXIF_SEGMENTS:
        raise ValueError(f"more than {_MOST_EXIF_SEGMENTS:,} EXIF segments")
    return _JpegWithoutResolution(BytesIO(content))


def _open_png(content: bytes) -> PngImageFile:
    """Open the chunks of the picture; the EXIF chunk may also follow them."""
    exif, picture = b"", [_PNG_MAGIC]
    place = len(_PNG_MAGIC)
    while place + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        stop = place + 12 + length
        is_critical = name[:1].isupper()
        if is_critical:
            picture.append(content[place:stop])
        elif name == b"eXIf":
            exif = content[place + 8 : place + 8 + length]
        place = stop
    image = PngImageFile(BytesIO(b"".join(picture)))
    image.info["exif"] = exif
    return image


_PLUGINS: dict[Format, Callable[[bytes], ImageFile]] = {
    "JPEG": _open_jpeg,
    "PNG": _open_png,
    "WebP": lambda content: WebPImageFile(BytesIO(content)),
}
