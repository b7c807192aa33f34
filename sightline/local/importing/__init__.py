"""Bringing photographs and tables in: what ``sightline import`` does."""

from sightline.local.importing.photos import import_photos
from sightline.local.importing.report import (
    ImportRefusal,
    ImportReport,
    Note,
    Outside,
    RefusalReason,
)
from sightline.local.importing.tables import import_table

__all__ = [
    "ImportRefusal",
    "ImportReport",
    "Note",
    "Outside",
    "RefusalReason",
    "import_photos",
    "import_table",
]
