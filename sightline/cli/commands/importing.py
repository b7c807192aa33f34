"""``sightline import``: photographs or a table become observations."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.characters import printable
from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.local.importing import ImportReport
    from sightline.settings import Settings

SHOWN = 20


def import_(
    context: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            help="A folder of photographs, a CSV/Parquet file, or gs://bucket/prefix.",
        ),
    ],
    asset_type: Annotated[
        str | None,
        typer.Option(help="What is seen, where no folder's name and no column says it."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Of a table: name=other, where a column is called otherwise."),
    ] = None,
    source_table: Annotated[
        str | None,
        typer.Option(help="Of a bucket: the table to load into, project.dataset.table."),
    ] = None,
    allow_root: Annotated[
        list[Path] | None,
        typer.Option(help="A further folder that images may be read from; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make observations of a folder of JPEG, PNG and WebP files, of a table, or of a bucket.

    Example: sightline import ~/photos --asset-type road_sign
    """
    from sightline.errors import NotFoundError
    from sightline.local.importing import import_photos, import_table
    from sightline.model import asset_class
    from sightline.wiring import source_path, utc_now

    state: State = context.obj
    settings = state.settings()

    columns = _columns(column or [])
    if path.startswith("gs://"):
        _import_bucket(settings, path, asset_type, source_table, as_json=as_json)
        return
    there, allowed = Path(path), allow_root or []
    if not there.exists():
        raise NotFoundError(f"{path} does not exist; give a folder or a CSV/Parquet file")
    for folder in allowed:
        if not folder.is_dir():
            raise NotFoundError(f"--allow-root {folder} is not a folder; give one that is there")
    with progress_bar("importing", None) as update:
        if there.is_dir():
            report = import_photos(
                there,
                asset_type=asset_class(asset_type or "unspecified"),
                source=source_path(settings),
                now=utc_now(),
                limits=settings.images,
                allowed_roots=allowed,
                on_progress=update,
            )
        else:
            report = import_table(
                there,
                source=source_path(settings),
                now=utc_now(),
                columns=columns,
                asset_type=asset_class(asset_type) if asset_type else None,
                allowed_roots=allowed,
                known_roots=settings.images.roots,
                on_progress=update,
            )
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)


def _import_bucket(
    settings: Settings, uri: str, asset_type: str | None, table: str | None, *, as_json: bool
) -> None:
    from sightline.cli.bucket_import import import_bucket
    from sightline.gcp.storage import BucketPrefix

    where = BucketPrefix.parse(uri, "the bucket")
    with progress_bar("listing", None) as update:
        found = import_bucket(
            settings, where, asset_type=asset_type, source_table=table, on_progress=update
        )
    if as_json:
        print_json(found)
        return
    say(
        f"{found['imported']:,} imported, {found['unchanged']:,} unchanged,"
        f" {found['refused']:,} refused, {found['ignored']:,} ignored (no images),"
        f" {found['empty']:,} empty"
    )
    for one in found["refusals"][:SHOWN]:
        say(printable(f"  refused {one['where']}: {one['reason']}: {one['detail']}"))
    _say_hidden(found["refused"] - len(found["refusals"][:SHOWN]))
    if found.get("table"):
        say(f"{found['total']:,} observations are in {found['table']}")
    remark("next: `sightline enqueue --dry-run`")


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
    for outside in report.outside[:SHOWN]:
        say(printable(f"  outside: {outside.where}: its image is in {outside.folder}"))
    hidden = (
        report.refused_count
        + report.notes_count
        + report.outside_count
        - sum(len(some[:SHOWN]) for some in (report.refusals, report.notes, report.outside))
    )
    _say_hidden(hidden)
    if report.outside_count:
        remark(
            f"{report.outside_count:,} images are outside of the folders that are read from, and"
            " are never sent; if they are yours, import again with --allow-root"
            f" {shlex.quote(printable(report.outside[0].folder))}, or set images.roots"
        )
    if report.imported:
        remark("next: `sightline enqueue`, then `sightline work --drain`")


def _say_hidden(count: int) -> None:
    if count:
        say(f"  and {count:,} more; --json shows them")
