"""A command that the help lists, but whose module is imported only for a run or its own help."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group


class LazyCommand(TyperCommand):
    """A placeholder for the command ``target``: a function or a ``Typer``, as ``module:name``."""

    def __init__(self, name: str, target: str, *, short_help: str, group: str) -> None:
        super().__init__(name, short_help=short_help, rich_help_panel=group)
        self.target = target

    def load(self) -> Any:
        """Import the module, and return the command."""
        module, _, attribute = self.target.partition(":")
        loaded = getattr(import_module(module), attribute)
        parent = typer.Typer(rich_markup_mode=None)
        if isinstance(loaded, typer.Typer):
            parent.add_typer(loaded, name=self.name)
        else:
            parent.command(self.name)(loaded)
        return get_group(parent).commands[self.name or ""]

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Parse the arguments as the command itself does."""
        return self.load().make_context(info_name, args, parent, **extra)
