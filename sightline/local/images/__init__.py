"""Reading images with limits: JPEG, PNG and WebP from files, refused early and by name."""

from sightline.local.images.reader import (
    exif_of,
    looks_like_image,
    path_of,
    read_bytes,
    read_image,
)
from sightline.vision.images import decode_image

__all__ = ["decode_image", "exif_of", "looks_like_image", "path_of", "read_bytes", "read_image"]
