"""What the global options said, and the settings that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.errors import NotFoundError
from sightline.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class State:
    """The global options of one invocation."""

    config: Path | None
    home: Path | None
    debug: bool

    def must_exist(self) -> None:
        """Check that a home that was named on the command line is there, before it is read.

        Raises:
            NotFoundError: it is not.
        """
        if self.home is not None and not self.home.exists():
            raise NotFoundError(
                f"--home {self.home} is not there; `sightline import DIR` makes one"
            )

    def settings(self, options: Mapping[str, Any] | None = None) -> Settings:
        """Read the settings, once, with the command line last; ``options`` are the command's."""
        overrides = {"home": self.home} if self.home else {}
        return load_settings(config=self.config, overrides={**overrides, **(options or {})})
