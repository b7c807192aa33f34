"""Checks where an export may be written."""

from __future__ import annotations

import stat
from pathlib import Path

from sightline.errors import ConfigurationError


def check_target(path: Path, *, force: bool) -> None:
    """Check that a file may be written to this path.

    Raises:
        ConfigurationError: it is a bucket, its folder is missing, or a file is in the way.
    """
    if str(path).startswith(("gs:/", "s3:/", "http:/", "https:/")):
        raise ConfigurationError(
            f"{path} is not a local path; export to a file, then `gcloud storage cp FILE gs://...`"
        )
    try:
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder; give the name of a file in it")
        if not path.absolute().parent.is_dir():
            raise ConfigurationError(
                f"there is no folder {path.absolute().parent}; create it, or give another FILE"
            )
        mode = _mode(path)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"{str(path)[:200]!r}: {what}; give another FILE") from error
    if mode is None:
        return
    if not stat.S_ISREG(mode):  # /dev/stdout would be replaced, too
        raise ConfigurationError(f"{path} is a link or a device; give the name of a plain file")
    if not force:
        raise ConfigurationError(
            f"{path} already exists; give another FILE, or --force to replace it"
        )


def _mode(path: Path) -> int | None:
    """Return the existing entry, without following links; ``None`` if there is none."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None
