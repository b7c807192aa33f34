"""Creates settings files: a starter, or one from a stack's outputs.

An identical file is not an error; a different one is kept unless it is forced.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, StorageError
from sightline.operations.stack_settings import settings_text
from sightline.operations.starter_settings import Starter, starter_text


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file; ``written`` is false if it already existed unchanged."""

    path: Path
    written: bool


def write_starter(file: Path, starter: Starter, *, force: bool = False) -> SettingsFile:
    """Write a settings file with a comment on each setting.

    Raises:
        ConfigurationError: a name is invalid, or a different file exists (see ``force``).
        StorageError: it cannot be written.
    """
    return _write(file, starter_text(starter), force=force)


def write_stack_settings(file: Path, outputs: str, where: str, *, force: bool) -> SettingsFile:
    """Write the settings from a stack's outputs, which are JSON; ``where`` names them in an error.

    Raises:
        ConfigurationError: the outputs contain no settings, or unknown ones; a different file
            exists (see ``force``).
        StorageError: it cannot be written.
    """
    return _write(file, settings_text(outputs, where), force=force)


def _write(file: Path, text: str, *, force: bool) -> SettingsFile:
    if file.exists() and not file.is_file():
        raise ConfigurationError(f"{file} is a folder, a pipe or a device; give the name of a file")
    try:
        existing = file.read_bytes() if file.exists() else None
        if existing == text.encode():
            return SettingsFile(file, False)
        if existing is not None and not force:
            raise ConfigurationError(
                f"{file} already exists and differs; pass --force to replace it"
            )
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file} cannot be written ({error.strerror}); give another") from error
    return SettingsFile(file, True)
