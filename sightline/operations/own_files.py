"""Protects the project's own files: no command's output overwrites them, not even with force."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Everything below ``home`` (queue, ledgers, source, locks), and ``files`` elsewhere.

    ``settings`` is the settings file, which the commands that create one may replace.
    """

    home: Path
    files: tuple[Path, ...] = ()
    settings: Path | None = None

    def check(self, path: Path, *, may_be_settings: bool = False) -> None:
        """Check that an output is none of these files, under any link or name.

        Raises:
            ConfigurationError: it is one of them.
        """
        target = Path(os.path.realpath(path))
        beside = [*self.files]
        if self.settings is not None and not may_be_settings:
            beside.append(self.settings)
        is_own = any(_same(folder, self.home) for folder in (target, *target.parents))
        if is_own or any(_same(target, own) for own in beside) or self._is_hard_link(target):
            raise ConfigurationError(
                f"{path} is one of this project's own files, which no command overwrites; give"
                f" another name, outside {self.home}"
            )

    def _is_hard_link(self, target: Path) -> bool:
        try:
            status = target.stat()
        except OSError:
            return False  # the file does not exist
        if status.st_nlink < 2 or target.is_dir():
            return False
        return any(os.path.samestat(status, other) for other in _statuses(self.home))


def _same(path: Path, other: Path) -> bool:
    """Return whether two names lead to the same file or folder; missing ones compare by name."""
    try:
        return path.samefile(other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def _statuses(home: Path) -> Iterator[os.stat_result]:
    for folder, _, names in os.walk(home):
        for name in names:
            try:
                yield Path(folder, name).lstat()
            except FileNotFoundError:
                continue  # deleted by compaction meanwhile
