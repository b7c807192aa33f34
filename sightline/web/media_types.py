"""The media type of an image, by the first bytes of its content."""

from __future__ import annotations

JPEG = "image/jpeg"
_MAGIC = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)


def media_type_of(content: bytes) -> str:
    """Return what a JPEG, PNG or WebP says that it is; JPEG where it says nothing of these."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((name for magic, name in _MAGIC if content.startswith(magic)), JPEG)
