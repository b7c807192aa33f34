"""A small disk in memory, which can be full, and read-only in one place. Needs a mount namespace.

What is here is run inside the nursery's namespace, where everybody may mount without being root.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

SIZE = "96m"
_BALLAST = "ballast"
_PAGE = bytes(1 << 16)
_TRIES = 500


class DiskError(Exception):
    """The disk cannot be had, or cannot be changed."""


def mount_disk(at: Path) -> None:
    """Mount an empty disk on a folder."""
    _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(at))


def fill(disk: Path) -> None:
    """Write until nothing more goes onto the disk."""
    with (disk / _BALLAST).open("ab", buffering=0) as file:
        try:
            while file.write(_PAGE):
                pass
        except OSError:
            return


def free(disk: Path) -> None:
    """Take away what filled the disk."""
    (disk / _BALLAST).unlink(missing_ok=True)


def make_read_only(folder: Path) -> None:
    """Let nobody write below a folder, until told otherwise."""
    _run("mount", "--bind", str(folder), str(folder))
    for _ in range(_TRIES):  # refused while a file below it is open for writing
        if _status("mount", "-o", "remount,ro,bind", str(folder)) == 0:
            return
    raise DiskError(f"{folder} cannot be made read-only: somebody keeps writing to it")


def make_writable(folder: Path) -> None:
    """Let everybody write there again."""
    _run("mount", "-o", "remount,rw,bind", str(folder))
    _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    if (status := _status(*command)) != 0:
        raise DiskError(f"{' '.join(command)} ended with {status}")


def _status(*command: str) -> int:
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode
