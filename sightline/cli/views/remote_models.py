"""What ``sightline models`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sightline.cli.output import print_table, say
from sightline.cli.program import as_typed
from sightline.gcp.sql.remote_models import RemoteModel
from sightline.operations.remote_models import RemoteModelRemoval


def models_json(models: Sequence[RemoteModel]) -> list[dict[str, object]]:
    """Return the document of ``list --json``."""
    return [asdict(model) for model in models]


def print_models(models: Sequence[RemoteModel]) -> None:
    """Print remote models as a table."""
    if not models:
        say(
            as_typed(
                "no remote models; `sightline work --engine bigquery` creates those that it needs"
            )
        )
        return
    print_table(
        "",
        ("model", "endpoint", "connection"),
        [(model.name, model.endpoint, model.connection) for model in models],
    )


def removal_json(result: RemoteModelRemoval) -> dict[str, object]:
    """Return the document of ``drop --json``."""
    return {"dropped": result.dropped}


def print_removal(result: RemoteModelRemoval) -> None:
    """Print which models were dropped."""
    say(f"dropped: {', '.join(result.dropped) or 'none, since there are none'}")
