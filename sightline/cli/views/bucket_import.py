"""What ``sightline import gs://...`` shows."""

from __future__ import annotations

from sightline.cli.output import remark, say
from sightline.cli.views.importing import say_details, say_positions
from sightline.operations.bucket_import import BucketImport


def bucket_import_json(result: BucketImport) -> dict[str, object]:
    """Return the document of ``--json``."""
    table = result.table
    loaded = {} if table is None else {"files": [], "table": table.name, "total": table.total}
    return {
        **result.report.as_dict(),
        **loaded,
        "ignored": result.ignored,
        "empty": result.empty,
    }


def print_bucket_import(result: BucketImport) -> None:
    """Print how many objects were imported, and which were refused."""
    report = result.report
    say(
        f"{report.imported:,} imported, {report.unchanged:,} unchanged,"
        f" {report.refused_count:,} refused, {result.ignored:,} ignored (not images),"
        f" {result.empty:,} empty"
    )
    say_positions(report)
    say_details(report)
    if result.table is not None:
        say(f"{result.table.total:,} observations are in {result.table.name}")
    if report.imported:
        remark("next: `sightline enqueue --dry-run`")
    elif report.unchanged:
        remark("nothing is new; next: `sightline status`")
