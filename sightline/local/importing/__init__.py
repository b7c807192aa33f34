"""Imports photographs and tables, for ``sightline import``."""

from sightline.local.importing.photos import import_photos
from sightline.local.importing.report import (
    ImportRefusal,
    ImportReport,
    Note,
    Outside,
    RefusalReason,
)
from sightline.local.importing.table_options import AS_IT_STANDS, TableOptions
from sightline.local.importing.tables import import_table

__all__ = [
    "AS_IT_STANDS",
    "ImportRefusal",
    "ImportReport",
    "Note",
    "Outside",
    "RefusalReason",
    "TableOptions",
    "import_photos",
    "import_table",
]
