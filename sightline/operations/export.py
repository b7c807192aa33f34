"""Exports the current answers of a task to files for other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError
from sightline.export import ExportFormat, TuningFiles, format_of, open_table, written_whole
from sightline.export.targets import check_target
from sightline.export.tuning import DEAD, tuning_paths
from sightline.model import Filter
from sightline.operations.reading.answers_by_asset import each_page, selected_answers
from sightline.ports import AnswerQuery, AnswerRow, Warehouse
from sightline.progress import Progress, no_progress
from sightline.suggestions import did_you_mean
from sightline.tasks import TaskSpec

LABEL = "exporting"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A written file: its number of rows and bytes."""

    path: Path
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """A table or map of answers: rows without a position, and texts escaped for spreadsheets."""

    task: TaskSpec
    format: ExportFormat
    file: ExportedFile
    without_position: int
    changed_cells: int


@dataclass(frozen=True, slots=True)
class ExportedExamples:
    """Examples for tuning a model, and how many answers were left out, by reason."""

    task: TaskSpec
    training: ExportedFile
    validation: ExportedFile
    validation_share: float
    left_out: Mapping[str, int]


def export_paths(file: Path, format_: str | None = None) -> tuple[Path, ...]:
    """Return the files that an export writes.

    Raises:
        ConfigurationError: neither the format nor the suffix is known.
    """
    tuning = export_format(file, format_) is ExportFormat.TUNING
    return tuple(tuning_paths(file)) if tuning else (file,)


def export_format(file: Path, format_: str | None) -> ExportFormat:
    """Return the named format, or the one that the file's suffix stands for.

    Raises:
        ConfigurationError: the format is not known.
    """
    try:
        named = ExportFormat(format_) if format_ is not None else None
    except ValueError:
        raise ConfigurationError(
            f"--format {format_!r} is not accepted{did_you_mean(format_ or '', ExportFormat)};"
            f" give one of {', '.join(ExportFormat)}"
        ) from None
    return format_of(file, named)


async def export(
    warehouse: Warehouse,
    file: Path,
    *,
    task: str | None = None,
    format_: str | None = None,
    which: Filter | None = None,
    validation_share: float = 0.1,
    keep: Callable[[AnswerRow], bool] | None = None,
    force: bool = False,
    progress: Progress = no_progress,
) -> ExportedTable | ExportedExamples:
    """Write the current answers of a task: a table, a map, or examples for tuning a model.

    Of the answers that pass the filter, only those that ``keep`` accepts are written.
    Images are referenced by URI, never copied. Files are written completely or not at all.

    Raises:
        NotFoundError: there is no such task, or no answer matches.
        ConfigurationError: the format is not known, or a file already exists (see ``force``).
    """
    kind = export_format(file, format_)
    for path in export_paths(file, format_):
        check_target(path, force=force)
    query, total = await selected_answers(warehouse, task, which or Filter())
    if kind is ExportFormat.TUNING:
        return await _export_examples(
            warehouse, query, file, validation_share, total, progress, keep
        )
    with written_whole(file) as (out,), open_table(kind, out, query.task) as table:
        answers = warehouse.answers
        rows = await each_page(answers, query, total, table.write, progress, LABEL, keep=keep)
        if not rows:
            raise NotFoundError(
                f"no answer of {query.task.name} is among the selected images; select others"
            )
    return ExportedTable(
        query.task, kind, _written(file, rows), table.without_position, table.changed_cells
    )


async def _export_examples(
    warehouse: Warehouse,
    query: AnswerQuery,
    file: Path,
    share: float,
    total: int,
    progress: Progress,
    keep: Callable[[AnswerRow], bool] | None,
) -> ExportedExamples:
    paths = tuning_paths(file)
    with written_whole(*paths) as (train, held_out):
        examples = TuningFiles(train, held_out, query.task, share=share)
        answers = warehouse.answers
        await each_page(answers, query, total, examples.write, progress, LABEL, keep=keep)
        report = examples.report
        coverage = await warehouse.answers.coverage(query.filter, query.task)
        report.left_out[DEAD] = sum(row.dead for row in coverage)
        if not report.train + report.validation:
            reasons = ", ".join(f"{n:,} {name}" for name, n in (+report.left_out).items())
            raise ConfigurationError(
                f"no answer of {query.task.name} can be an example ({reasons}); a tuning job reads"
                " images from a bucket: see `sightline upload`"
            )
    training, validation = paths
    return ExportedExamples(
        query.task,
        _written(training, report.train),
        _written(validation, report.validation),
        share,
        dict(sorted(report.left_out.items())),
    )


def _written(path: Path, rows: int) -> ExportedFile:
    return ExportedFile(path, rows, path.stat().st_size)
