"""The folders and files of the local adapters, by the settings."""

from __future__ import annotations

from pathlib import Path

from sightline.settings import Settings


def warehouse_path(settings: Settings) -> Path:
    """Return where the local ledgers are."""
    return settings.home / "warehouse"


def source_path(settings: Settings) -> Path:
    """Return where imported observations are."""
    return settings.home / "source"


def queue_path(settings: Settings) -> Path:
    """Return where the local queue is."""
    return settings.home / "queue.db"


def gallery_path(settings: Settings) -> Path:
    """Return where the local image tables are; they may be deleted."""
    return settings.home / "cache" / "gallery"
