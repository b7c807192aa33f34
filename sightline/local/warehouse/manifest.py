"""A ledger's manifest: which compacted files count, and which inputs they replaced."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sightline.errors import StorageError
from sightline.local.warehouse.durable import storage_errors, write_json

MANIFEST = "manifest.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What compaction did. Paths are relative to the ledger's folder.

    ``compacted`` are the outputs that count; ``superseded`` maps each replaced file to the moment
    (RFC 3339) of its replacement: ignored by readers from then on, deleted later.
    """

    compacted: tuple[str, ...] = ()
    superseded: dict[str, str] = field(default_factory=dict)

    def superseded_before(self, moment: datetime) -> list[str]:
        """Return the files that were replaced before a moment."""
        return [path for path, at in self.superseded.items() if datetime.fromisoformat(at) < moment]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a ledger's folder; an empty one before the first compaction.

    Raises:
        StorageError: the manifest is there and cannot be read.
    """
    path = folder / MANIFEST
    try:
        with storage_errors(path):
            if not path.exists():
                return Manifest()
            raw: dict[str, Any] = json.loads(path.read_bytes())
        if raw["version"] != VERSION:
            raise StorageError(f"{path} is of version {raw['version']}; update sightline")
        return Manifest(tuple(raw.get("compacted", ())), dict(raw.get("superseded", {})))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged ({error}); restore it from a backup") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest atomically: this is the instant at which a compaction happens.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    write_json(folder / MANIFEST, {"version": VERSION, **asdict(manifest)})
