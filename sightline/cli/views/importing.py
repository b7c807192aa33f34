"""What ``sightline import`` shows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice

from sightline.cli.characters import printable
from sightline.cli.output import remark, say
from sightline.errors import UnreadImportError
from sightline.local.importing import ImportReport

SHOWN = 20


def import_json(result: ImportReport) -> dict[str, object]:
    """Return the document of ``--json``."""
    return result.as_dict()


def print_import(report: ImportReport) -> None:
    """Print how many files or rows were imported, and remarks on the rest."""
    say(
        f"{report.imported:,} imported, {report.unchanged:,} unchanged,"
        f" {report.refused_count:,} refused, {report.ignored:,} ignored (not images)"
    )
    say_positions(report)
    say_details(report)
    if report.outside_count:
        remark(
            f"{report.outside_count:,} images are outside the folders that may be read, and"
            " are never sent; if they are yours, import again with --allow-root"
            f" {shlex.quote(printable(report.outside[0].folder))}, or set images.roots"
        )
    if report.imported:
        remark("next: `sightline enqueue`, then `sightline work --drain`")
    elif report.unchanged:
        remark("nothing is new; next: `sightline status`")


def check_read(report: ImportReport, path: str) -> None:
    """Let an import that could read nothing end as an error.

    Raises:
        UnreadImportError: nothing was imported, now or before.
    """
    if report.imported or report.unchanged:
        return
    if report.refused_count:
        reasons = ", ".join(f"{n:,} {name}" for name, n in report.refused_by_reason.items())
        raise UnreadImportError(
            f"nothing in {path} could be read: {reasons}; docs/import.md says what to do about each"
        )
    raise UnreadImportError(
        f"{path} contains no photographs and no rows; give a folder of JPEG, PNG or WebP files, or"
        " a table with rows"
    )


def say_positions(report: ImportReport) -> None:
    """Print how many rows have no position, and which columns were not read."""
    unused = (
        f"; unused columns: {', '.join(name or '(no name)' for name in report.unused_columns)}"
        if report.unused_columns
        else ""
    )
    say(printable(f"{report.without_position:,} without a position{unused}"))


def say_details(report: ImportReport) -> None:
    """Print the first refusals, notes and images outside, and how many of each are not shown."""
    refusals = (f"refused {at.where}: {at.reason}: {at.detail}" for at in report.refusals)
    notes = (f"note on {at.where}: {at.text}" for at in report.notes)
    outside = (f"outside: {at.where}: its image is in {at.folder}" for at in report.outside)
    _say_first(refusals, report.refused_count, "refused")
    _say_first(notes, report.notes_count, "notes")
    _say_first(outside, report.outside_count, "outside")


def _say_first(lines: Iterable[str], count: int, what: str) -> None:
    for line in islice(lines, SHOWN):
        say(printable(f"  {line}"))
    if count > SHOWN:
        say(f"  and {count - SHOWN:,} more {what}; --json shows them")
