"""What the global options said, and the settings that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sightline.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class State:
    """The global options of one invocation."""

    config: Path | None
    home: Path | None
    debug: bool

    def settings(self) -> Settings:
        """Read the settings, once, with the command line last."""
        overrides = {"home": self.home} if self.home else {}
        return load_settings(config=self.config, overrides=overrides)
