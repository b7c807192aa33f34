"""What ``sightline index`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import say
from sightline.operations.indexes import IndexRemoval
from sightline.ports import IndexState

_MB = 1 << 20


def index_json(index: IndexState) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {**asdict(index), "coverage": index.coverage}


def print_index(index: IndexState) -> None:
    """Print the state of the index."""
    say(f"index    {index.name}: {index.condition}, {index.detail}")
    say(f"vectors  {index.rows:,}, {index.covered:,} of them in the index ({index.coverage:.0%})")
    if index.lists is not None:
        say(f"lists    {index.lists:,}")
    if index.stored:
        say(f"stores   {', '.join(index.stored)}")
    if index.created_at is not None:
        say(f"made     {index.created_at:%Y-%m-%d %H:%M} UTC")
    if index.refreshed_at is not None:
        say(f"fresh    {index.refreshed_at:%Y-%m-%d %H:%M} UTC")
    if index.bytes is not None:
        say(f"size     {index.bytes / _MB:,.1f} MB")


def removal_json(result: IndexRemoval) -> dict[str, object]:
    """Return the document of ``drop --json``."""
    return {"dropped": result.dropped}


def print_removal(result: IndexRemoval) -> None:
    """Print whether there was an index."""
    say("the index is dropped" if result.dropped else "there was no index")
