"""``sightline export``: the current answers of a task as a file for others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.export import ExportFormat
    from sightline.ports import AnswerQuery, Answers
    from sightline.settings import Settings

_CHOICES = "parquet, geoparquet, geojson, csv, or tuning"


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write; its suffix tells the format.")],
    task: Annotated[
        str | None, typer.Option(help="Whose answers; needed where several tasks were asked.")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help=f"Instead of the suffix: {_CHOICES}.")
    ] = None,
    validation: Annotated[
        float,
        typer.Option(help="Of --format tuning: the share of assets held out.", min=0, max=0.9),
    ] = 0.1,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Write the current answers of a task: a table, a map, or examples to tune a model with.

    Images are named by their URI, and never copied.
    Example: sightline export signs.geoparquet --task road_signs --near 52.09,5.12,500
    """
    import asyncio

    from sightline.export import ExportFormat, format_of
    from sightline.export.tuning import tuning_paths
    from sightline.export.whole_files import check_target

    state: State = context.obj
    kind = format_of(file, _format(format_))
    paths = tuning_paths(file) if kind is ExportFormat.TUNING else (file,)
    state.check_output(*paths)
    for path in paths:
        check_target(path, force=force)
    which = filter_of(asset_type, since, until, box, near, polygon)
    state.must_exist()
    found = asyncio.run(_export(state.settings(), file, kind, task, which, validation))
    print_json(found) if as_json else _print(found)


def _format(text: str | None) -> ExportFormat | None:
    from sightline.errors import ConfigurationError
    from sightline.export import ExportFormat

    try:
        return ExportFormat(text) if text is not None else None
    except ValueError:
        raise ConfigurationError(
            f"--format {text!r} is not accepted; give one of {', '.join(ExportFormat)}"
        ) from None


async def _export(
    settings: Settings,
    file: Path,
    kind: ExportFormat,
    name: str | None,
    which: Any,
    validation: float,
) -> dict[str, Any]:
    from sightline.cli.by_asset import asked
    from sightline.export import ExportFormat
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        answers = warehouse.answers
        query, total = await asked(settings, answers, name, which)
        task = query.task
        head = {"task": task.name, "fingerprint": task.fingerprint, "format": str(kind)}
        if kind is ExportFormat.TUNING:
            return head | await _write_tuning(answers, query, file, validation, total)
        return head | await _write_table(answers, query, file, kind, total)


async def _write_table(
    answers: Answers, query: AnswerQuery, file: Path, kind: ExportFormat, total: int
) -> dict[str, Any]:
    from sightline.cli.by_asset import each_page
    from sightline.export import open_table, written_whole

    with written_whole(file) as (out,), open_table(kind, out, query.task) as table:
        rows = await each_page(answers, query, total, table.write, "exporting")
    return {
        "files": [_written(file, rows)],
        "without_position": table.without_position,
        "changed_cells": table.changed_cells,
    }


async def _write_tuning(
    answers: Answers, query: AnswerQuery, file: Path, share: float, total: int
) -> dict[str, Any]:
    from sightline.cli.by_asset import each_page
    from sightline.errors import ConfigurationError
    from sightline.export import TuningFiles, written_whole
    from sightline.export.tuning import DEAD, tuning_paths

    paths = tuning_paths(file)
    with written_whole(*paths) as (train, held_out):
        examples = TuningFiles(train, held_out, query.task, share=share)
        await each_page(answers, query, total, examples.write, "exporting")
        report = examples.report
        coverage = await answers.coverage(query.filter, query.task)
        report.left_out[DEAD] = sum(one.dead for one in coverage)
        if not report.train + report.validation:
            reasons = ", ".join(f"{n:,} {name}" for name, n in (+report.left_out).items())
            raise ConfigurationError(
                f"no answer of {query.task.name} can be an example ({reasons}); a tuning job reads"
                " images from a bucket: see `sightline upload`"
            )
    counts = (report.train, report.validation)
    return {
        "files": [_written(path, rows) for path, rows in zip(paths, counts, strict=True)],
        "validation_share": share,
        "left_out": dict(sorted(report.left_out.items())),
    }


def _written(path: Path, rows: int) -> dict[str, Any]:
    return {"file": str(path), "rows": rows, "bytes": path.stat().st_size}


def _print(found: dict[str, Any]) -> None:
    what = "examples" if "left_out" in found else "answers"
    for one in found["files"]:
        say(f"{one['file']}: {one['rows']:,} {what} of {found['task']}, {one['bytes']:,} bytes")
    if found.get("without_position"):
        say(f"  {found['without_position']:,} have no usable position")
    if found.get("changed_cells"):
        remark(
            f"{found['changed_cells']:,} texts that a spreadsheet would take for a formula got an"
            " apostrophe before them; parquet and geojson keep them as they are"
        )
    if "left_out" not in found:
        return
    left_out = {name: number for name, number in found["left_out"].items() if number}
    if left_out:
        print_table("left out", ("reason", "answers"), list(left_out.items()))
    train, held_out = found["files"]
    if not (train["rows"] and held_out["rows"]):
        remark("one of the files is empty; give another --validation, or more answers")
    remark(f"next: `gcloud storage cp {train['file']} {held_out['file']} gs://...`")
