"""The imported folders: one small file each, beside the imported rows.

Only commands write them, for folders in their arguments; a row never adds one.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sightline.errors import StorageError
from sightline.whole_files import storage_errors, write_json

FOLDER = ".roots"
VERSION = 1


def record_root(source: Path, root: Path, *, now: datetime) -> None:
    """Record, durably, that the user imported the content of ``root``.

    Raises:
        StorageError: it cannot be written.
    """
    path = os.fsencode(root.absolute())
    file = source / FOLDER / f"{hashlib.sha256(path).hexdigest()[:32]}.json"
    with storage_errors(file):
        if file.exists():
            return
    # Percent-encoded, since folder names need not be UTF-8.
    record = {"version": VERSION, "root": quote_from_bytes(path), "recorded_at": now.isoformat()}
    write_json(file, record)


def recorded_roots(source: Path) -> list[Path]:
    """Return the recorded folders, in a stable order.

    Raises:
        StorageError: a record cannot be read.
    """
    folder = source / FOLDER
    with storage_errors(folder):
        return [_root_in(file) for file in sorted(folder.glob("*.json"))]


def _root_in(file: Path) -> Path:
    try:
        raw = json.loads(file.read_bytes())
        if raw["version"] != VERSION:
            raise StorageError(f"{file} is of version {raw['version']}; update sightline")
        return Path(os.fsdecode(unquote_to_bytes(raw["root"])))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{file} is damaged ({error}); remove it, and import the folder again"
        ) from error
