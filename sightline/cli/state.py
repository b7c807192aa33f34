"""The global options, and the settings that follow from them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sightline.cli.output import remark
from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import Filter
from sightline.operations.demo_model import remark_on_answers
from sightline.operations.own_files import OwnFiles
from sightline.ports import Engine, Warehouse
from sightline.settings import CONFIG_FILE, Settings, load_settings
from sightline.wiring.engine import open_engine, open_warehouse

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class State:
    """The global options of one invocation."""

    config: Path | None
    home: Path | None
    debug: bool

    def must_exist(self) -> None:
        """Check that a home that was named on the command line exists.

        Raises:
            NotFoundError: it does not.
        """
        if self.home is not None and not self.home.exists():
            raise NotFoundError(
                f"--home {self.home} does not exist; `sightline import DIR` creates it"
            )

    def check_output(self, *paths: Path | None, may_be_settings: bool = False) -> None:
        """Check that no file or folder to be written is one of the project's own.

        ``may_be_settings``: the command's purpose is to write the settings file.

        Raises:
            ConfigurationError: one is.
        """
        own = self._own_files()
        for path in paths:
            if path is not None:
                own.check(path, may_be_settings=may_be_settings)

    def config_file(self) -> Path:
        """Return the path of the settings file, which need not exist."""
        named = self.config or os.environ.get("SIGHTLINE_CONFIG")
        return Path(named) if named else Path(CONFIG_FILE)

    def _own_files(self) -> OwnFiles:
        config = self.config_file()
        try:
            settings = self.settings()
        except ConfigurationError:
            # The command reports what is wrong, unless its purpose is to replace the file.
            return OwnFiles(self.home or config.absolute().parent / ".sightline", (), config)
        tasks = settings.tasks_dir.glob("*.toml") if settings.tasks_dir else ()
        prices = (settings.prices,) if settings.prices else ()
        return OwnFiles(settings.home, (*prices, *tasks), config)

    def settings(self, options: Mapping[str, Any] | None = None) -> Settings:
        """Read the settings; the global options and the command's own ``options`` override them."""
        overrides = {"home": self.home} if self.home else {}
        return load_settings(config=self.config, overrides={**overrides, **(options or {})})

    def read(
        self,
        operation: Callable[[Warehouse], Coroutine[None, None, Result]],
        options: Mapping[str, Any] | None = None,
    ) -> Result:
        """Run an operation that needs only the warehouse, and so works with a broken queue."""

        async def run() -> Result:
            async with open_warehouse(self.settings(options)) as warehouse:
                return await operation(warehouse)

        return asyncio.run(run())

    def read_answers(
        self, which: Filter, operation: Callable[[Warehouse], Coroutine[None, None, Result]]
    ) -> Result:
        """Run an operation that shows answers, and print the remark on them, if any."""

        async def read(warehouse: Warehouse) -> Result:
            result = await operation(warehouse)
            if line := await remark_on_answers(warehouse, which):
                remark(line)
            return result

        return self.read(read)

    def run(
        self,
        operation: Callable[[Engine], Coroutine[None, None, Result]],
        options: Mapping[str, Any] | None = None,
    ) -> Result:
        """Run an operation on the whole engine; ``options`` are the command's own settings."""

        async def run() -> Result:
            async with open_engine(self.settings(options)) as engine:
                return await operation(engine)

        return asyncio.run(run())
