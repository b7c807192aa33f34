"""Reads a ``file://`` URI as an image; each kind of failure has its reason."""

from __future__ import annotations

import errno
import os
import re
import stat
from urllib.parse import unquote_to_bytes

from PIL import Image

from sightline.errors import PermanentError, Reason, TransientError
from sightline.local.images.folders import Anywhere, ImageFolders, check_no_system_file
from sightline.vision.images import (
    SNIFF_BYTES,
    decode_image,
    open_image,
    sniff,
    too_large,
)

_FILE_URI = re.compile(r"file://(?:localhost)?(/[^?#\x00-\x20]+)", re.IGNORECASE)
_ERRNO_REASONS = {
    errno.ENOENT: Reason.IMAGE_GONE,
    errno.ENOTDIR: Reason.IMAGE_GONE,
    errno.EACCES: Reason.PERMISSION_DENIED,
    errno.EPERM: Reason.PERMISSION_DENIED,
    errno.ELOOP: Reason.IMAGE_UNREADABLE,
    errno.ENXIO: Reason.IMAGE_UNREADABLE,
    errno.ENAMETOOLONG: Reason.BAD_URI,
}

ANYWHERE = Anywhere()


def read_image(
    uri: str,
    *,
    max_bytes: int,
    max_pixels: int,
    preferred_size: tuple[int, int] | None = None,
    folders: ImageFolders = ANYWHERE,
) -> Image.Image:
    """Read a JPEG, PNG or WebP file as an upright RGB picture; blocks, so run it in a thread.

    With ``preferred_size`` (width, height in pixels), a JPEG is decoded at the smallest scale of
    1/1, 1/2, 1/4, 1/8 that is not smaller than it. Symbolic links are followed if they lead into
    ``folders``, which callers with a URI from a row or a message always pass.

    Raises:
        PermanentError: ``bad_uri``, ``image_gone``, ``image_unreadable``, ``image_too_large`` (more
            than ``max_bytes`` or ``max_pixels``) or ``permission_denied``.
        TransientError: a temporary error of the file system.
        ConfigurationError: no folder is known.
    """
    content = read_bytes(uri, max_bytes=max_bytes, folders=folders)
    return decode_image(content, uri, max_pixels=max_pixels, preferred_size=preferred_size)


def path_of(uri: str) -> str:
    """Return the path in a ``file://`` URI; bytes that are not UTF-8 become surrogates.

    Raises:
        PermanentError: ``bad_uri``.
    """
    match = _FILE_URI.fullmatch(uri)
    if match is None:
        raise PermanentError(
            Reason.BAD_URI, f"{uri[:200]!a} is not file:///path on this machine; import it again"
        )
    try:
        path = os.fsdecode(unquote_to_bytes(match[1]))
    except UnicodeEncodeError as error:
        raise PermanentError(
            Reason.BAD_URI, f"{uri[:200]!a} has characters that are not percent-encoded"
        ) from error
    if "\0" in path:
        raise PermanentError(Reason.BAD_URI, f"{uri[:200]!a} has a zero byte in its path")
    return path


def read_to_send(uri: str, *, max_bytes: int, folders: ImageFolders) -> bytes:
    """Read a file for a remote model, only if its content is JPEG, PNG or WebP.

    Raises:
        PermanentError, TransientError, ConfigurationError: as ``read_image``.
    """
    content = read_bytes(uri, max_bytes=max_bytes, folders=folders)
    try:
        open_image(content, uri)
    except PermanentError as error:
        raise PermanentError(error.reason, f"{error.detail}; it is not sent") from error
    return content


def read_bytes(uri: str, *, max_bytes: int, folders: ImageFolders = ANYWHERE) -> bytes:
    """Read a regular file of at most ``max_bytes`` bytes; never waits for a pipe or a device.

    Raises:
        PermanentError, TransientError, ConfigurationError: as ``read_image``.
    """
    content = _read(uri, max_bytes + 1, folders, at_most=max_bytes)
    if len(content) > max_bytes:
        raise too_large(uri, f"more than {max_bytes} bytes")
    if not content:
        raise PermanentError(Reason.IMAGE_UNREADABLE, f"{uri} is an empty file")
    return content


def looks_like_image(uri: str) -> bool:
    """Return whether a file can be read, and begins like a JPEG, PNG or WebP."""
    try:
        return sniff(_read(uri, SNIFF_BYTES, ANYWHERE)) is not None
    except (PermanentError, TransientError):
        return False


def _read(uri: str, size: int, folders: ImageFolders, *, at_most: int | None = None) -> bytes:
    path = path_of(uri)
    try:
        allowed = folders.find(path, uri)
        # Checked before it is opened, since opening a device may have effects.
        _check_regular(os.stat(allowed.path), uri, at_most)  # noqa: PTH116 - may hold surrogates
        check_no_system_file(allowed, uri)
        with open(allowed.open(), "rb") as file:  # noqa: PTH123 - a descriptor has no path
            _check_regular(os.fstat(file.fileno()), uri, at_most)
            return file.read(size)
    except OSError as error:
        raise _from_os_error(error, uri) from error


def _check_regular(status: os.stat_result, uri: str, max_bytes: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PermanentError(Reason.IMAGE_UNREADABLE, f"{uri} is not a regular file")
    if max_bytes is not None and status.st_size > max_bytes:
        raise too_large(uri, f"{status.st_size} bytes, more than {max_bytes}")


def _from_os_error(error: OSError, uri: str) -> PermanentError | TransientError:
    reason = _ERRNO_REASONS.get(error.errno or 0)
    if reason is not None:
        return PermanentError(reason, f"{uri}: {error.strerror}")
    return TransientError(f"{uri} cannot be read now: {error.strerror}; trying again")
