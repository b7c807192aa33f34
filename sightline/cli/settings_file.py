"""Writes a settings file: the same again is no error, and one that differs is kept unless asked."""

from __future__ import annotations

from pathlib import Path


def write_settings(file: Path, text: str, *, force: bool) -> bool:
    """Write the file; return whether it was not there already, just so.

    Raises:
        ConfigurationError: it is there and differs.
        StorageError: it cannot be written.
    """
    from sightline.errors import ConfigurationError, StorageError

    try:
        there = file.read_bytes() if file.exists() else None
        if there == text.encode():
            return False
        if there is not None and not force:
            raise ConfigurationError(f"{file} is there and differs; --force replaces it")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file} cannot be written ({error.strerror}); give another") from error
    return True
