"""Files that a user names: what prevents reading one, before it is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_ALREADY_OPEN = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""Pipes that a shell has opened for this process: reading them ends."""


def obstacle(path: Path) -> str:
    """Return what prevents reading a file, such as ``permission denied``; empty if nothing does.

    A named pipe or a device is an obstacle, since reading it may never end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    if stat.S_ISDIR(mode):
        return "a folder, not a file"
    is_harmless = str(path).startswith(_ALREADY_OPEN) or str(path) == os.devnull
    if not stat.S_ISREG(mode) and not is_harmless:
        return "a pipe or a device, not a file"
    return "" if os.access(path, os.R_OK) else "permission denied"
