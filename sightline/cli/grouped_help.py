"""A help page with one section for each group of commands, instead of one long list."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class GroupedHelp(TyperGroup):
    """Commands by their ``rich_help_panel``, in plain text: rich is not imported for ``--help``."""

    def format_commands(
        self,
        ctx: typer.Context,  # type: ignore[override]  # Typer's name for its base, which is private
        formatter: Any,
    ) -> None:
        """Write a section for each group, in the order of their first commands."""
        width = max(map(len, self.commands))
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            if not command.hidden:
                title = getattr(command, "rich_help_panel", None) or "Commands"
                text = command.get_short_help_str(formatter.width - 6 - width)
                groups.setdefault(title, []).append((name.ljust(width), text))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)
