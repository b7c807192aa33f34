"""Small pictures and their files, made on the spot."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.errors import PermanentError, Reason
from sightline.local.images import read_image

ORIENTED = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0%c\0\0\0\0\0\0\0"


def halves(width: int = 64, height: int = 40) -> Image.Image:
    """A picture whose left half is red and whose right half is blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 250
    pixels[:, width // 2 :, 2] = 250
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 1) -> bytes:
    """A PNG that says it has this size, with these chunks after its header."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, body in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + name + body)
        parts.append(struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(parts)


def read(
    path: Path,
    *,
    max_bytes: int = 1_000_000,
    max_pixels: int = 1_000_000,
    preferred_size: tuple[int, int] | None = None,
) -> Image.Image:
    return read_image(
        path.as_uri(), max_bytes=max_bytes, max_pixels=max_pixels, preferred_size=preferred_size
    )


def reason_for(path: Path, *, max_bytes: int = 1_000_000, max_pixels: int = 1_000_000) -> Reason:
    with pytest.raises(PermanentError) as caught:
        read(path, max_bytes=max_bytes, max_pixels=max_pixels)
    assert "\n" not in str(caught.value)
    return caught.value.reason
