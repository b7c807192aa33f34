"""Keeps trained codes on disk, under the fingerprint of the vectors that they were made of.

The cache is only ever a saving: what cannot be read is made again, what cannot be written is not
kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sightline.local.vectors.approximate import factory_of, import_faiss
from sightline.local.vectors.index import Vectors

log = logging.getLogger(__name__)

KEPT = 4
"""Files that are kept, the latest; each is about an eighth of a byte for every vector component."""

_SUFFIX = ".faiss"
_DIGEST_BYTES = 32
_BLOCK_ROWS = 65_536


def fingerprint_of(vectors: Vectors) -> str:
    """Return the SHA-256 (hexadecimal) of the vectors' shape and content."""
    digest = hashlib.sha256(repr(vectors.shape).encode())
    for start in range(0, len(vectors), _BLOCK_ROWS):
        digest.update(np.ascontiguousarray(vectors[start : start + _BLOCK_ROWS]).data)
    return digest.hexdigest()


def load_codes(directory: Path, fingerprint: str, shape: tuple[int, ...]) -> Any | None:
    """Return the kept codes, or ``None`` if there are none that are whole and fit."""
    path = _path(directory, fingerprint, shape)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s cannot be read, making the index again: %s", path, error)
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        log.warning("%s is damaged, making the index again", path)
        return None
    codes = import_faiss().deserialize_index(np.frombuffer(body, dtype=np.uint8))
    if (codes.ntotal, codes.d) != shape:
        log.warning("%s is of other vectors, making the index again", path)
        return None
    return codes


def save_codes(directory: Path, fingerprint: str, shape: tuple[int, ...], codes: Any) -> None:
    """Keep codes, whole or not at all, and drop the oldest of too many."""
    body = import_faiss().serialize_index(codes).tobytes()
    path = _path(directory, fingerprint, shape)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_whole(path, hashlib.sha256(body).digest() + body)
    except OSError as error:
        log.warning("%s cannot be written, the index is not kept: %s", path, error)
        return
    _drop_oldest(directory)


def _path(directory: Path, fingerprint: str, shape: tuple[int, ...]) -> Path:
    layout = factory_of(shape[0], shape[1]).replace(",", "-")
    name = hashlib.sha256(fingerprint.encode()).hexdigest()[:32]
    return directory / f"{name}-{layout}{_SUFFIX}"


def _write_whole(path: Path, content: bytes) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _drop_oldest(directory: Path) -> None:
    with contextlib.suppress(OSError):  # another process may be dropping the same ones
        kept = sorted(directory.glob("*" + _SUFFIX), key=lambda one: one.stat().st_mtime)
        for one in kept[:-KEPT]:
            one.unlink(missing_ok=True)
