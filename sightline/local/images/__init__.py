"""Reads images with limits: JPEG, PNG and WebP files, refused early and with a reason."""

from sightline.local.images.folders import ImageFolders, Nowhere
from sightline.local.images.reader import (
    ANYWHERE,
    looks_like_image,
    path_of,
    read_bytes,
    read_image,
    read_to_send,
)
from sightline.local.images.roots import record_root, recorded_roots
from sightline.vision.images import decode_image

__all__ = [
    "ANYWHERE",
    "ImageFolders",
    "Nowhere",
    "decode_image",
    "looks_like_image",
    "path_of",
    "read_bytes",
    "read_image",
    "read_to_send",
    "record_root",
    "recorded_roots",
]
