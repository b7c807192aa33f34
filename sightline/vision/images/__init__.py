"""Image files taken apart and decoded: JPEG, PNG and WebP, refused early and by name."""

from sightline.vision.images.container import (
    SNIFF_BYTES,
    BrokenImageError,
    Container,
    open_container,
    sniff,
)
from sightline.vision.images.decoding import decode_image, too_large

__all__ = [
    "SNIFF_BYTES",
    "BrokenImageError",
    "Container",
    "decode_image",
    "open_container",
    "sniff",
    "too_large",
]
