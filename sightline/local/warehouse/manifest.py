"""A ledger's manifest: the valid compacted files, and the inputs that they replaced."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sightline.errors import StorageError
from sightline.whole_files import storage_errors, write_json

MANIFEST = "manifest.json"
VERSION = 2
"""Version 1 had no generation, and its outputs do not record their inputs."""

REBUILD = "`sightline compact --repair` rebuilds it from the files"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The state of compaction. Paths are relative to the ledger's folder.

    ``generation`` grows with every compaction; its outputs carry it in their names. ``compacted``
    are the valid outputs; ``superseded`` maps each replaced file to the time (RFC 3339) of its
    replacement: readers ignore it from then on, and it is deleted later.
    """

    generation: int = 0
    compacted: tuple[str, ...] = ()
    superseded: dict[str, str] = field(default_factory=dict)

    def superseded_before(self, moment: datetime) -> list[str]:
        """Return the files that were replaced before a time."""
        return [path for path, at in self.superseded.items() if datetime.fromisoformat(at) < moment]


class DamagedManifestError(StorageError):
    """The manifest exists but cannot be read; it may be rebuilt from the files beside it."""


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a ledger's folder; an empty one before the first compaction.

    Raises:
        DamagedManifestError: the manifest exists but cannot be read.
        StorageError: it is of a later version of this program.
    """
    path = folder / MANIFEST
    try:
        with storage_errors(path):
            if not path.exists():
                return Manifest()
            raw: dict[str, Any] = json.loads(path.read_bytes())
        if raw["version"] not in {1, VERSION}:
            raise StorageError(f"{path} is of version {raw['version']}; update sightline")
        return _parsed(raw)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedManifestError(
            f"{path} is damaged ({error}); restore it from a backup, or {REBUILD}"
        ) from error


def _parsed(raw: dict[str, Any]) -> Manifest:
    generation = raw["generation"] if raw["version"] == VERSION else 0
    compacted, superseded = raw["compacted"], raw["superseded"]
    if type(generation) is not int or generation < 0:
        raise ValueError("its generation is invalid")
    if not isinstance(compacted, list) or not isinstance(superseded, dict):
        raise TypeError("its lists are invalid")
    for path in (*compacted, *superseded):
        if not isinstance(path, str) or path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"{path!r} is not a file of the ledger")
    for at in superseded.values():
        datetime.fromisoformat(at)
    return Manifest(generation, tuple(compacted), dict(superseded))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest atomically, which puts a compaction into effect.

    Raises:
        StorageError: the disk is full, read-only or missing.
    """
    write_json(folder / MANIFEST, {"version": VERSION, **asdict(manifest)})
