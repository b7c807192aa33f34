"""Bringing photographs and tables in: what ``sightline import`` does."""

from sightline.local.importing.photos import import_photos
from sightline.local.importing.report import ImportReport, Note, Outside, Refusal, RefusalReason
from sightline.local.importing.tables import import_table

__all__ = [
    "ImportReport",
    "Note",
    "Outside",
    "Refusal",
    "RefusalReason",
    "import_photos",
    "import_table",
]
