"""What ``sightline consolidate`` shows."""

from __future__ import annotations

from sightline.cli.output import print_table, remark, say
from sightline.export.consolidated_task import ConsolidatedTask
from sightline.operations.consolidate import VERDICTS, Consolidation
from sightline.tasks import value_text


def consolidation_json(result: Consolidation) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "task": result.task.name,
        "fingerprint": result.task.fingerprint,
        "answers": result.answers,
        "without_asset": result.without_asset,
        "assets": result.assets,
        "assets_in_conflict": result.assets_in_conflict,
        "fields": [{"field": name, **counts} for name, counts in result.verdicts.items()],
        "conflicts": [ConsolidatedTask.document(asset) for asset in result.conflicts],
        "file": None if result.file is None else str(result.file),
    }


def print_consolidation(result: Consolidation) -> None:
    """Print the verdicts by field, and the assets that are most in conflict."""
    say(
        f"{result.task.name}: {result.answers:,} answers about {result.assets:,} assets,"
        f" {result.assets_in_conflict:,} of them in conflict"
    )
    rows = [(name, *counts.values()) for name, counts in result.verdicts.items()]
    print_table("assets by field", ("field", *VERDICTS), rows)
    lines = [
        (
            asset.asset_id,
            field.field,
            ", ".join(
                f"{value_text(some.value)} {some.share:.2f} ({len(some.subjects)})"
                for some in field.evidence
            ),
        )
        for asset in result.conflicts
        for field in asset.fields
        if field.field in asset.conflicts
    ]
    if lines:
        print_table("conflicts", ("asset", "field", "share (images) of each value"), lines)
    if result.file is not None:
        say(f"{result.file}: {result.assets:,} assets")
    if result.without_asset:
        remark(f"{result.without_asset:,} answers belong to no asset and were left out")
