"""What ``search``, ``similar`` and ``outliers`` print about a contact sheet."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sightline.cli.filter_options import FilterOptions, typed
from sightline.cli.output import remark
from sightline.operations.contact_sheets import WrittenSheet


def filters_remark(chosen: FilterOptions, answers: Sequence[str] = ()) -> list[str]:
    """Return a remark that repeats the filters as typed; none without filters."""
    words = [*typed(chosen.named()), *typed([("--answer", list(answers))])]
    return [f"Filters: {shlex.join(words)}"] if words else []


def print_sheet(sheet: WrittenSheet) -> None:
    """Print where the page is, and how many images are unreadable."""
    missing = f", {sheet.unreadable:,} of which cannot be read" if sheet.unreadable else ""
    remark(f"{sheet.file}: {sheet.images:,} images{missing}")
