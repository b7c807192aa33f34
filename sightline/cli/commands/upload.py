"""``sightline upload``: photographs of one's own go to a bucket, their observations to a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.gcp.storage import BucketPrefix
    from sightline.settings import Settings

SHOWN = 10


def upload(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    target: Annotated[
        str | None,
        typer.Argument(help="gs://bucket/prefix; without it gcs.bucket and the folder's name."),
    ] = None,
    observations: Annotated[
        Path | None,
        typer.Option(help="A CSV or Parquet table of the photographs, to be loaded too."),
    ] = None,
    source_table: Annotated[
        str | None,
        typer.Option(help="Load the observations into this table: project.dataset.table."),
    ] = None,
    asset_type: Annotated[
        str | None, typer.Option(help="What is seen, where no folder's name and no column says it.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Files sent at once.", min=1, max=128)] = 16,
    as_json: AsJson = False,
) -> None:
    """Upload the photographs of a folder; what is there already is passed by.

    Run it again to go on where it stopped.
    Example: sightline upload photos gs://my-bucket/street --source-table my-project.own.photographs
    """
    from sightline.cli.sending import send

    state: State = context.obj
    settings = state.settings()
    where = _target(settings, directory, target)
    table = _source_table(settings, observations, source_table)
    report = send(settings, directory, where, threads=threads)
    result: dict[str, Any] = {
        "uri": where.uri(),
        "uploaded": report.uploaded,
        "replaced": report.replaced,
        "there": report.there,
        "bytes_sent": report.bytes_sent,
        "failed": report.failed_count,
        "failures": report.failed,
        "observations": None,
    }
    if table is not None:
        result["observations"] = _load(
            settings, directory, where, table=table, given=observations, asset_type=asset_type
        )
    if as_json:
        print_json(result)
    else:
        _print(result, settings)
    if report.failed_count:
        raise typer.Exit(1)


def _target(settings: Settings, directory: Path, target: str | None) -> BucketPrefix:
    from sightline.errors import ConfigurationError
    from sightline.gcp.storage import BucketPrefix

    if target is not None:
        return BucketPrefix.parse(target, "the target")
    if not settings.gcs.bucket:
        raise ConfigurationError("no bucket is named; give gs://bucket/prefix, or set gcs.bucket")
    name = directory.absolute().name
    return BucketPrefix.parse(f"{settings.gcs.bucket}/{name}", "gcs.bucket")


def _source_table(settings: Settings, observations: Path | None, named: str | None) -> str | None:
    from sightline.errors import ConfigurationError, NotFoundError
    from sightline.gcp.bigquery.place import checked_table

    if observations is not None and not observations.is_file():
        raise NotFoundError(f"{observations} does not exist; give a CSV or Parquet file")
    table = named or (settings.bigquery.source if observations is not None else "")
    if table:
        checked_table(table, "--source-table")
        return table
    if observations is not None:
        raise ConfigurationError(
            "--observations needs a table to load into; give --source-table, or set bigquery.source"
        )
    return None


def _load(
    settings: Settings,
    directory: Path,
    where: BucketPrefix,
    *,
    table: str,
    given: Path | None,
    asset_type: str | None,
) -> dict[str, Any]:
    import asyncio
    import tempfile

    from sightline.cli.sending import (
        Renamed,
        Sources,
        load_source,
        read_observations,
        renamed,
    )
    from sightline.wiring import utc_now

    tally = Renamed()
    with (
        tempfile.TemporaryDirectory(prefix="sightline-upload-") as room,
        progress_bar("reading observations", None) as update,
    ):
        sources = Sources(directory, given, asset_type)
        report = read_observations(settings, sources, Path(room), utc_now(), update)
        rows = renamed(report.files, directory, where, tally)
        loaded = asyncio.run(load_source(settings, rows, table, tally))
    return {
        "table": table,
        "loaded": tally.count,
        "total": loaded.total,
        "refused": report.refused_count,
        "refusals": [f"{one.where}: {one.detail}" for one in report.refusals],
        "without_image": tally.without_image,
        "left_out": tally.told,
    }


def _print(result: dict[str, Any], settings: Settings) -> None:
    say(
        f"{result['uploaded']:,} uploaded, {result['replaced']:,} replaced, {result['there']:,}"
        f" there already, {result['failed']:,} failed ({result['bytes_sent'] / 1e6:,.1f} MB sent)"
    )
    for failure in result["failures"]:
        say(f"  failed {failure}")
    say(result["uri"])
    found = result["observations"]
    if found is None:
        remark("next: `sightline upload ... --source-table TABLE` makes their observations")
        return
    say(
        f"{found['loaded']:,} observations loaded into {found['table']} ({found['total']:,} there),"
        f" {found['refused']:,} refused, {found['without_image']:,} without an image"
    )
    for line in [*found["refusals"][:SHOWN], *found["left_out"][:SHOWN]]:
        say(f"  left out {line}")
    if found["table"] == settings.bigquery.source:
        remark("next: `sightline setup`, then `sightline enqueue --dry-run`")
    else:
        remark(f'next: set bigquery.source = "{found["table"]}", then `sightline setup`')
