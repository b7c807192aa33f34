"""Exports of answers: tables, maps, and examples for tuning a model."""

from sightline.export.formats import FORMATS, ExportFormat, format_of, open_table
from sightline.export.table import AnswerTable
from sightline.export.tuning import TuningFiles, TuningReport
from sightline.whole_files import written_whole

__all__ = [
    "FORMATS",
    "AnswerTable",
    "ExportFormat",
    "TuningFiles",
    "TuningReport",
    "format_of",
    "open_table",
    "written_whole",
]
