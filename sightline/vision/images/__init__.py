"""Opens and decodes image files: JPEG, PNG and WebP, refused early and with a reason."""

from sightline.vision.images.decoding import decode_image
from sightline.vision.images.header import SNIFF_BYTES, open_image, sniff, too_large, upright_size
from sightline.vision.images.thumbnails import thumbnail_jpeg

__all__ = [
    "SNIFF_BYTES",
    "decode_image",
    "open_image",
    "sniff",
    "thumbnail_jpeg",
    "too_large",
    "upright_size",
]
