"""An open project: its settings, its tasks and images, and its engine while needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from sightline.errors import NotFoundError
from sightline.local.importing import ImportReport, TableOptions
from sightline.operations.held_open import HeldOpen
from sightline.operations.importing import import_files
from sightline.operations.tasks import add_task
from sightline.ports import Warehouse
from sightline.progress import Progress
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from sightline.wiring.engine import open_engine, open_warehouse
from sightline.wiring.tasks import known_tasks
from sightline.workspace.table_keywords import TableKeywords


class Project:
    """Settings, and the engine that they name, opened when first needed."""

    def __init__(self, settings: Settings, progress: Progress, *, config: Path) -> None:
        """``config`` is the path of the settings file, which need not exist."""
        self.settings = settings
        self._config = config
        self._progress = progress
        self._warehouse = HeldOpen(lambda: open_warehouse(self.settings))
        self._engine = HeldOpen(lambda: open_engine(self.settings))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close everything that is open; the workspace can be used again."""
        await self._engine.close()
        await self._warehouse.close()

    @property
    def tasks(self) -> Mapping[str, TaskSpec]:
        """The available tasks, shipped ones and the project's own, by name."""
        return known_tasks(self.settings)

    async def add_task(self, file: str | Path) -> TaskSpec:
        """Copy a task file into the project, in the folder of its ``tasks_dir`` setting.

        Without that setting, the folder ``tasks`` is created beside the settings file, which then
        names it.
        """
        added = await asyncio.to_thread(add_task, self.settings, Path(file), config=self._config)
        await self.close()  # the open engine has the previous settings
        self.settings = replace(self.settings, tasks_dir=added.tasks_dir)
        return added.task

    async def import_images(
        self,
        source: str | Path,
        *,
        asset_type: str | None = None,
        new_type: bool = False,
        allowed_roots: Sequence[str | Path] = (),
        **table: Unpack[TableKeywords],
    ) -> ImportReport:
        """Import a folder of photographs, or a table, as observations.

        ``asset_type`` applies where neither a folder's name nor a column gives one; a type that no
        task covers has to be a ``new_type``. For a table, ``columns`` maps our names to its own,
        and ``crs``, ``decimal`` and ``date_format`` describe its coordinates, numbers and times.
        Images may also be read from ``allowed_roots``.
        """
        return await asyncio.to_thread(
            import_files,
            self.settings,
            Path(source),
            asset_type=asset_type,
            new_type=new_type,
            options=TableOptions(**table),
            allowed_roots=[Path(folder) for folder in allowed_roots],
            progress=self._progress,
        )

    async def _reading(self) -> Warehouse:
        """Return the warehouse for reading.

        Raises:
            NotFoundError: there is no project in this folder.
        """
        self._must_exist()
        return await self._warehouse.get()

    def _must_exist(self) -> None:
        home = self.settings.home
        if self.settings.adapter("warehouse") == "local" and not home.exists():
            raise NotFoundError(
                f"there is no project in {home.parent}; `import_images(folder)` creates one"
            )
