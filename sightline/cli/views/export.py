"""What ``sightline export`` shows."""

from __future__ import annotations

from sightline.cli.output import print_table, remark, say
from sightline.export import ExportFormat
from sightline.operations.export import ExportedExamples, ExportedFile, ExportedTable


def export_json(result: ExportedTable | ExportedExamples) -> dict[str, object]:
    """Return the document of ``--json``."""
    task = {"task": result.task.name, "fingerprint": result.task.fingerprint}
    if isinstance(result, ExportedTable):
        return {
            **task,
            "format": str(result.format),
            "files": [_file_json(result.file)],
            "without_position": result.without_position,
            "changed_cells": result.changed_cells,
        }
    return {
        **task,
        "format": str(ExportFormat.TUNING),
        "files": [_file_json(result.training), _file_json(result.validation)],
        "validation_share": result.validation_share,
        "left_out": result.left_out,
    }


def _file_json(file: ExportedFile) -> dict[str, object]:
    return {"file": str(file.path), "rows": file.rows, "bytes": file.size_bytes}


def print_export(result: ExportedTable | ExportedExamples) -> None:
    """Print the written files, and remarks on them."""
    if isinstance(result, ExportedTable):
        _print_file(result.file, "answers", result.task.name)
        if result.without_position:
            say(f"  {result.without_position:,} have no usable position")
        if result.changed_cells and result.format is ExportFormat.GPKG:
            remark(
                f"{result.changed_cells:,} texts have U+FFFD instead of a zero character, at"
                " which GeoPackage ends a text; parquet and geojson keep them as they are"
            )
        elif result.changed_cells:
            remark(
                f"{result.changed_cells:,} texts that a spreadsheet would take for a formula got an"
                " apostrophe in front; parquet and geojson keep them as they are"
            )
        return
    training, validation = result.training, result.validation
    _print_file(training, "examples", result.task.name)
    _print_file(validation, "examples", result.task.name)
    left_out = [(reason, count) for reason, count in result.left_out.items() if count]
    if left_out:
        print_table("left out", ("reason", "answers"), left_out)
    if not (training.rows and validation.rows):
        remark("one of the files is empty; give another --validation, or more answers")
    remark(f"next: `gcloud storage cp {training.path} {validation.path} gs://...`")


def _print_file(file: ExportedFile, what: str, task: str) -> None:
    say(f"{file.path}: {file.rows:,} {what} of {task}, {file.size_bytes:,} bytes")
