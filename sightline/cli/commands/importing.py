"""``sightline import``: photographs or a table become observations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, printable, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.local.importing import ImportReport

SHOWN = 20


def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder of photographs, or a CSV/Parquet file.")],
    asset_type: Annotated[
        str | None,
        typer.Option(help="What is seen, where no folder's name and no column says it."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Of a table: name=other, where a column is called otherwise."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make observations of a folder of JPEG, PNG and WebP files, or of a table of them.

    Example: sightline import ~/photos --asset-type road_sign
    """
    from sightline.errors import NotFoundError
    from sightline.local.importing import import_photos, import_table
    from sightline.model import asset_class
    from sightline.wiring import source_path, utc_now

    state: State = context.obj
    settings = state.settings()

    columns = _columns(column or [])
    if not path.exists():
        raise NotFoundError(f"{path} does not exist; give a folder or a CSV/Parquet file")
    with progress_bar("importing", None) as update:
        if path.is_dir():
            report = import_photos(
                path,
                asset_type=asset_class(asset_type or "unspecified"),
                source=source_path(settings),
                now=utc_now(),
                limits=settings.images,
                on_progress=update,
            )
        else:
            report = import_table(
                path,
                source=source_path(settings),
                now=utc_now(),
                columns=columns,
                asset_type=asset_class(asset_type) if asset_type else None,
                on_progress=update,
            )
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)


def _columns(options: list[str]) -> dict[str, str]:
    from sightline.errors import ConfigurationError

    columns: dict[str, str] = {}
    for one in options:
        name, equals, other = one.partition("=")
        if not (name and equals and other):
            raise ConfigurationError(f"--column {one!r} is not accepted; give name=other")
        columns[name] = other
    return columns


def _print(report: ImportReport) -> None:
    say(
        f"{report.imported:,} imported, {report.unchanged:,} unchanged,"
        f" {report.refused_count:,} refused, {report.ignored:,} ignored (no images)"
    )
    for refusal in report.refusals[:SHOWN]:
        say(printable(f"  refused {refusal.where}: {refusal.reason}: {refusal.detail}"))
    for note in report.notes[:SHOWN]:
        say(printable(f"  note on {note.where}: {note.text}"))
    hidden = (
        report.refused_count
        + report.notes_count
        - sum(len(some[:SHOWN]) for some in (report.refusals, report.notes))
    )
    if hidden:
        say(f"  and {hidden:,} more; --json shows them")
    if report.imported:
        remark("next: `sightline enqueue`, then `sightline work --drain`")
