"""The media type of an image, from its first bytes."""

from __future__ import annotations

from sightline.errors import PermanentError, Reason

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)


def media_type_of(content: bytes, uri: str) -> str:
    """Return the media type of a JPEG, PNG or WebP; ``uri`` names it in the error.

    Raises:
        PermanentError: ``image_unreadable``, it is none of these, and is therefore not sent.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for magic, name in _MAGIC:
        if content.startswith(magic):
            return name
    raise PermanentError(
        Reason.IMAGE_UNREADABLE, f"{uri}: the content is neither JPEG, PNG nor WebP; it is not sent"
    )
