"""Opens a workspace by folder or settings file; nothing is created until something is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sightline.errors import ConfigurationError
from sightline.progress import Progress
from sightline.settings import CONFIG_FILE, Settings, load_settings
from sightline.workspace.asynchronous import AsyncWorkspace
from sightline.workspace.progress import shown_progress
from sightline.workspace.synchronous import Workspace


def open_workspace(
    folder: str | Path | None = None,
    *,
    config: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    progress: Progress = shown_progress,
) -> Workspace:
    """Open a project, for use in a ``with`` statement, which closes it.

    ``folder`` holds the project (``.sightline``, and perhaps ``sightline.toml``); ``config`` names
    a settings file elsewhere; the default is the current folder. ``settings`` are nested as in the
    file, and override it.

    Raises:
        ConfigurationError: both a folder and a file are given, or a setting is not accepted.
    """
    own, file = _read(folder, config, settings)
    return Workspace(own, progress, config=file)


def open_async(
    folder: str | Path | None = None,
    *,
    config: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    progress: Progress = shown_progress,
) -> AsyncWorkspace:
    """Open a project as ``open_workspace`` does, for use in an ``async with`` statement."""
    own, file = _read(folder, config, settings)
    return AsyncWorkspace(own, progress, config=file)


def _read(
    folder: str | Path | None, config: str | Path | None, settings: dict[str, Any] | None
) -> tuple[Settings, Path]:
    """Return the settings, and the path of their file, which need not exist."""
    if folder is not None and config is not None:
        raise ConfigurationError("a folder and a settings file are given; give one of them")
    overrides = dict(settings or {})
    if config is not None:
        return load_settings(config=Path(config), overrides=overrides), Path(config)
    if folder is None:
        return load_settings(overrides=overrides), config_file()
    place = Path(folder).absolute()
    overrides.setdefault("home", str(place / ".sightline"))
    file = place / CONFIG_FILE
    loaded = load_settings(
        config=file if file.is_file() else None, overrides=overrides, directory=place
    )
    return loaded, file


def config_file() -> Path:
    """Return the settings file that the environment names, or that of the current folder."""
    return Path(os.environ.get("SIGHTLINE_CONFIG") or CONFIG_FILE)
