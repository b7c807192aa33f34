"""Decodes the content of an image file; each kind of failure has its reason."""

from __future__ import annotations

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from sightline.errors import TransientError
from sightline.vision.images.header import (
    DAMAGE,
    open_image,
    orientation_of,
    too_large,
    unreadable,
)

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
    max_pixels_in_memory: int | None = None,
    preferred_size: tuple[int, int] | None = None,
) -> Image.Image:
    """Decode a JPEG, PNG or WebP into an upright RGB picture; blocks, so run it in a thread.

    ``uri`` is only used in errors. With ``preferred_size`` (width, height in pixels), a JPEG is
    decoded at the smallest scale of 1/1, 1/2, 1/4, 1/8 that is not smaller than it. All other
    images, and progressive JPEGs, are in memory at their full size while they are decoded, and may
    have a limit of their own, ``max_pixels_in_memory``.

    Raises:
        PermanentError: ``image_unreadable`` or ``image_too_large``.
        TransientError: there is currently not enough memory for it.
    """
    try:
        with open_image(content, uri) as image:
            is_streamed = isinstance(image, JpegImageFile) and not image.info.get("progressive")
            most = (
                max_pixels if is_streamed else min(max_pixels, max_pixels_in_memory or max_pixels)
            )
            if image.width * image.height > most:
                size = f"{image.width} x {image.height} pixels"
                raise too_large(uri, f"{size}, more than {most}")
            return _decode(image, preferred_size)
    except MemoryError as error:
        raise TransientError(f"{uri}: not enough memory to decode it now; trying again") from error
    except DAMAGE as error:
        raise unreadable(uri, error) from error


def _decode(image: ImageFile, preferred_size: tuple[int, int] | None) -> Image.Image:
    orientation = orientation_of(image.info.get("exif", b""))
    if preferred_size is not None and isinstance(image, JpegImageFile):
        lies_on_its_side = orientation >= 5
        image.draft("RGB", preferred_size[::-1] if lies_on_its_side else preferred_size)
    image.load()
    image.info = {}  # an upright picture must not have an orientation tag
    picture = _to_rgb(image)
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits per pixel: scaled, since convert() would clip
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    return image.convert("RGB")
