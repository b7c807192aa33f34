"""Which files of this machine may be read as images, and how to open one without a race.

A path comes from a row or a message, so it may name anything. It is first resolved and compared
with the allowed folders; then it is opened component by component without following links, so that
a file exchanged in between cannot lead elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, PermanentError, Reason

NEVER = ("/proc", "/sys", "/dev")
"""Files here are not images, whatever folder contains them."""

_FOLDER_FLAGS = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
# Non-blocking, in case a pipe has replaced the file since it was checked.
_FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class AllowedFile:
    """A file below an allowed folder; both paths are resolved."""

    root: str
    path: str

    def open(self) -> int:
        """Open the file for reading, one component after another; return its descriptor.

        Raises:
            OSError: it cannot be opened; a link that replaced a component is not followed.
        """
        *folders, name = os.path.relpath(self.path, self.root).split("/")
        directory = os.open(self.root, _FOLDER_FLAGS)
        try:
            for folder in folders:
                below = os.open(folder, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=directory)
                os.close(directory)
                directory = below
            return os.open(name, _FILE_FLAGS, dir_fd=directory)
        finally:
            os.close(directory)


class ImageFolders:
    """Folders below which images are read.

    ``roots`` is asked again when a file is in none of the folders known so far, since a worker
    lives on while more is imported. Without any folder it is the configuration that is at fault.
    """

    def __init__(self, roots: Callable[[], Sequence[Path]]) -> None:
        self._roots = roots
        self._known: tuple[str, ...] = ()

    def find(self, path: str, uri: str) -> AllowedFile:
        """Return the file that a path leads to; ``uri`` names it in errors.

        Raises:
            PermanentError: ``bad_uri``, it is in none of the folders, or the system's own.
            ConfigurationError: no folder is known.
        """
        real = os.path.realpath(path)
        root = self._root_of(real)
        if root is None:
            raise PermanentError(
                Reason.BAD_URI,
                f"{uri} is in none of the folders that images are read from; if it may be sent to a"
                " model, run `sightline import` with --allow-root, or add its folder to"
                " images.roots",
            )
        return AllowedFile(root, real)

    def holds(self, path: str) -> bool:
        """Return whether a file is in one of the folders, whether it is there or not."""
        return self._root_of(os.path.realpath(path)) is not None

    def _root_of(self, real: str) -> str | None:
        known_root = _holding(self._known, real)
        if known_root is None:
            self._known = tuple(os.path.realpath(root) for root in self._roots())
            known_root = _holding(self._known, real)
        if not self._known:
            raise ConfigurationError(
                "images are read from folders that were imported, and this project has recorded"
                " none; run `sightline import DIR` again (what is there is not imported twice), or"
                " set images.roots"
            )
        return known_root


class Anywhere(ImageFolders):
    """All folders: for a file that a person names on the command line."""

    def __init__(self) -> None:
        super().__init__(lambda: (Path("/"),))


class Nowhere(ImageFolders):
    """No folder at all, and why not."""

    def __init__(self, why: str) -> None:
        super().__init__(lambda: ())
        self._why = why

    def find(self, path: str, uri: str) -> AllowedFile:  # noqa: ARG002 - it is not looked at
        """Refuse the file: ``bad_uri``."""
        raise PermanentError(Reason.BAD_URI, f"{uri}: {self._why}")


def check_no_system_file(file: AllowedFile, uri: str) -> None:
    """Check that a file is not below ``/proc``, ``/sys`` or ``/dev``.

    Raises:
        PermanentError: ``bad_uri``.
    """
    if _holding(NEVER, file.path) is not None:
        raise PermanentError(
            Reason.BAD_URI,
            f"{uri} is a file of the operating system, which is never sent; correct the source",
        )


def _holding(roots: Sequence[str], real: str) -> str | None:
    for root in roots:
        if real == root or real.startswith(root.rstrip("/") + "/"):
            return root
    return None
