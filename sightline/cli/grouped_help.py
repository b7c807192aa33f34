"""A help page with one section per group of commands, instead of one long list."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from sightline.cli import completion
from sightline.cli.command_table import COMMANDS


class GroupedHelp(TyperGroup):
    """The commands of the table, by group, in plain text; ``--help`` does not import rich."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": dict(COMMANDS)})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; options that need a shell are refused without one."""
        if completion.OPTIONS.intersection(args) and not ctx.resilient_parsing:
            completion.check_shell()
        return super().parse_args(ctx, args)

    def format_commands(
        self,
        ctx: Any,  # noqa: ARG002 - the table needs none
        formatter: Any,
    ) -> None:
        """Write a section for each group, in the order of their first commands."""
        width = max(map(len, COMMANDS))
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, command in COMMANDS.items():
            row = (name.ljust(width), command.get_short_help_str())
            groups.setdefault(command.rich_help_panel or "", []).append(row)
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)
