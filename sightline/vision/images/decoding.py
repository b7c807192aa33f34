"""From an image file's content to pixels: every way in which that fails has its reason."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sightline.errors import PermanentError, Reason, TransientError
from sightline.vision.images.container import (
    BrokenImageError,
    Container,
    open_container,
    orientation_of,
)

# The plugins themselves, not ``Image.open``: its own limit on pixels is global, and it takes
# a JPEG that carries a second picture for another format.
_PLUGINS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
}
# What Pillow's decoders raise on damaged input, OSError and its own SyntaxError first of all.
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_image(
    content: bytes,
    uri: str,
    *,
    max_pixels: int,
    preferred_size: tuple[int, int] | None = None,
) -> Image.Image:
    """Decode a JPEG, PNG or WebP into an upright RGB picture; blocks, so run it in a thread.

    ``uri`` only names it in errors. With ``preferred_size`` (width, height in pixels) a JPEG is
    decoded at the smallest of 1/1, 1/2, 1/4, 1/8 that is no smaller than it.

    Raises:
        PermanentError: ``image_unreadable`` or ``image_too_large``.
        TransientError: there is not enough memory for it now.
    """
    try:
        container = open_container(content)
        pixels = container.width * container.height
        if pixels > max_pixels:
            size = f"{container.width} x {container.height} pixels"
            raise too_large(uri, f"{size}, more than {max_pixels}")
        return _decode(container, preferred_size)
    except MemoryError as error:
        raise TransientError(
            f"{uri}: not enough memory to decode it now; it is tried again"
        ) from error
    except _DAMAGE as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise PermanentError(Reason.IMAGE_UNREADABLE, f"{uri}: {text[:200]}") from error


def _decode(container: Container, preferred_size: tuple[int, int] | None) -> Image.Image:
    turn = _TURNS.get(orientation_of(container.exif))
    with _PLUGINS[container.format](BytesIO(container.picture)) as image:
        if image.size != (container.width, container.height):
            raise BrokenImageError("the picture's size contradicts the file's header")
        if preferred_size is not None and isinstance(image, JpegImageFile):
            lies_on_its_side = orientation_of(container.exif) >= 5
            image.draft("RGB", preferred_size[::-1] if lies_on_its_side else preferred_size)
        image.load()
        picture = _to_rgb(image)
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel: scaled, where convert() would clip
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    return image.convert("RGB")


def too_large(uri: str, what: str) -> PermanentError:
    """Return the error of an image that has more of something than is read."""
    return PermanentError(Reason.IMAGE_TOO_LARGE, f"{uri} has {what}")
