"""Makes small copies of pictures: JPEG, upright, without metadata of the original."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

QUALITY = 82


def thumbnail_jpeg(picture: Image.Image, longest_side: int, *, comment: bytes = b"") -> bytes:
    """Return a picture as a JPEG of at most this size, in pixels; the picture itself is shrunk."""
    picture.thumbnail((longest_side, longest_side), reducing_gap=2.0)
    content = BytesIO()
    picture.save(content, "JPEG", quality=QUALITY, comment=comment)
    return content.getvalue()
