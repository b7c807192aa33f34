"""Named views of a project: addresses of the page, one file each."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

from sightline.errors import ConfigurationError, NotFoundError
from sightline.settings import Settings
from sightline.whole_files import storage_errors, write_durably
from sightline.wiring.ids import utc_now

MOST_VIEWS = 500
LONGEST_NAME = 80
LONGEST_STATE = 8_000


@dataclass(frozen=True, slots=True)
class SavedView:
    """A name and the state of the page: a path and a query, such as ``images?q=pole``."""

    name: str
    state: str
    saved_by: str
    saved_at: datetime


class SavedViews:
    """The views of a project. Each is replaced atomically, so that several processes may write."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home / "gallery" / "views"

    async def all(self) -> Sequence[SavedView]:
        """Return the views by name."""
        return await asyncio.to_thread(self._all)

    async def get(self, name: str) -> SavedView | None:
        """Return a view."""
        return await asyncio.to_thread(_read, self._path(name))

    async def save(self, name: str, state: str, saved_by: str) -> SavedView:
        """Save a view, or replace the one of this name.

        Raises:
            ConfigurationError: the name or the state is not accepted, or there are too many views.
            StorageError: the disk is full, read-only or missing.
        """
        return await asyncio.to_thread(self._save, name, state, saved_by)

    async def delete(self, name: str) -> None:
        """Delete a view.

        Raises:
            NotFoundError: there is no such view.
            StorageError: the disk is read-only.
        """
        await asyncio.to_thread(self._delete, name)

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}.json"

    def _all(self) -> Sequence[SavedView]:
        views = filter(None, map(_read, self._folder.glob("*.json")))
        return sorted(views, key=lambda view: view.name.casefold())

    def _save(self, name: str, state: str, saved_by: str) -> SavedView:
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise ConfigurationError(
                f"the name is not accepted; give 1 to {LONGEST_NAME} printable characters, without"
                " spaces at the ends"
            )
        if len(state) > LONGEST_STATE or not state.isprintable():
            raise ConfigurationError(
                f"the state is longer than {LONGEST_STATE:,} characters, or has control characters;"
                " save a view with fewer filters"
            )
        path = self._path(name)
        if not path.exists() and len(list(self._folder.glob("*.json"))) >= MOST_VIEWS:
            raise ConfigurationError(f"there are {MOST_VIEWS} views already; delete one first")
        view = SavedView(name, state, saved_by, utc_now())
        write_durably(path, orjson.dumps(asdict(view)))
        return view

    def _delete(self, name: str) -> None:
        path = self._path(name)
        with storage_errors(path):
            try:
                path.unlink()
            except FileNotFoundError as error:
                raise NotFoundError("there is no such view; load the list again") from error


def _read(path: Path) -> SavedView | None:
    """Return the view in a file; ``None`` if it is gone or is not a view."""
    try:
        values = orjson.loads(path.read_bytes())
        return SavedView(
            str(values["name"]),
            str(values["state"]),
            str(values["saved_by"]),
            datetime.fromisoformat(values["saved_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
