"""What ``sightline changes`` shows."""

from __future__ import annotations

from sightline.analysis.changes import MEANINGS
from sightline.cli.output import print_table, remark, say
from sightline.export.changes_task import ChangesTask
from sightline.operations.changes import FIELD_KINDS, Changes
from sightline.tasks import value_text


def changes_json(result: Changes) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "task": result.task.name,
        "fingerprint": result.task.fingerprint,
        "by": result.by,
        "before": result.before,
        "after": result.after,
        "answers": result.answers,
        "without_asset": result.without_asset,
        "answers_before": result.answers_before,
        "answers_after": result.answers_after,
        "assets": result.assets,
        "fields": [{"field": name, **counts} for name, counts in result.fields.items()],
        **{
            kind: [ChangesTask.document(change) for change in listed]
            for kind, listed in result.shown.items()
        },
        "file": None if result.file is None else str(result.file),
        "notes": list(MEANINGS.values()),
    }


def print_changes(result: Changes) -> None:
    """Print how the assets changed, and the most certain changes."""
    say(
        f"{result.task.name}: {result.before} ({result.answers_before:,} answers) and"
        f" {result.after} ({result.answers_after:,})"
    )
    counted = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in result.assets.items())
    say(f"assets: {counted}")
    columns = ("field", *(kind.replace("_", " ") for kind in FIELD_KINDS))
    print_table(
        "assets by field", columns,
        [(name, *counts.values()) for name, counts in result.fields.items()],
    )  # fmt: skip
    lines = [
        (
            change.asset_id, some.field, value_text(some.before), value_text(some.after),
            min(some.share_before, some.share_after),
        )
        for change in result.shown["changed"]
        for some in change.differences
        if some.kind == "changed"
    ]  # fmt: skip
    if lines:
        print_table(
            "changed, most certain first", ("asset", "field", "before", "after", "share"), lines
        )
    for kind in ("appeared", "vanished"):
        if listed := result.shown[kind]:
            more = result.assets[kind] - len(listed)
            names = ", ".join(change.asset_id for change in listed)
            say(f"{kind}: {names}" + (f", and {more:,} more" if more > 0 else ""))
    for kind, meaning in MEANINGS.items():
        if result.assets[kind]:
            remark(meaning)
    if result.file is not None:
        say(f"{result.file}: {sum(result.assets.values()):,} assets")
    left = result.answers - result.answers_before - result.answers_after
    if left:
        remark(f"{left:,} answers are on neither side, or belong to no asset")
