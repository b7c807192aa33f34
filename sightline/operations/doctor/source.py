"""Checks whether the source table has the layout in the settings, and can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError, NotFoundError, SightlineError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.columns import SourceTable
from sightline.operations.doctor.finding import Finding, failed, passed
from sightline.operations.doctor.remedies import google_remedy, member
from sightline.operations.doctor.tables import API, open_client
from sightline.settings import Settings

if TYPE_CHECKING:
    from google.cloud import bigquery

SUBJECT = "source"


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """The finding on the source, and the URI of one of its images, if it has any."""

    finding: Finding
    sample_uri: str = ""


async def check_source(settings: Settings) -> SourceCheck:
    """Check the source's columns, and one row."""
    own = settings.bigquery
    if not own.source:
        detail = "no table of observations is set; set bigquery.source"
        return SourceCheck(failed(SUBJECT, detail, "sightline subscribe LISTING"))
    try:
        table = SourceTable(own.source, own.layout, own.columns)
    except SightlineError as error:
        return SourceCheck(failed(SUBJECT, str(error), "correct [bigquery] in the settings"))
    remedy = google_remedy(
        settings,
        API,
        denied=_grant(settings, own.source),
        absent="sightline subscribe LISTING, or correct bigquery.source",
        otherwise="correct bigquery.layout or [bigquery.columns] in the settings",
    )
    try:
        async with open_client(settings) as client:
            return await _look(settings, client, table)
    except SightlineError as error:
        return SourceCheck(failed(SUBJECT, " ".join(str(error).split()), remedy(error)))


def _grant(settings: Settings, source: str) -> str:
    """Return the command that grants the role on a dataset; ``bq`` itself does that for tables."""
    dataset = source.rpartition(".")[0]
    who = member(settings).strip('"')
    grant = rf"GRANT \`roles/bigquery.dataViewer\` ON SCHEMA \`{dataset}\` TO '{who}'"
    return f'bq query --use_legacy_sql=false --project_id={settings.gcp.project} "{grant}"'


async def _look(settings: Settings, client: BigQueryClient, table: SourceTable) -> SourceCheck:
    stored = await _table(client, table)
    table.check(stored.schema)
    _check_location(settings, client, stored)
    if stored.table_type != "TABLE":
        detail = f"{table.full_name} is a view; its columns fit, its rows were not checked"
        return SourceCheck(passed(SUBJECT, detail))
    row = await client.use(lambda library: _first_row(library, client, stored))
    if row is None:
        detail = f"{table.full_name} has no rows, so there is nothing to do"
        remedy = f"sightline upload DIR --source-table {table.full_name}"
        return SourceCheck(failed(SUBJECT, detail, remedy))
    uri = _at(row, table.paths()["gcs_uri"])
    detail = f"{table.full_name}, laid out as {table.layout}"
    return SourceCheck(passed(SUBJECT, detail), str(uri or ""))


async def _table(client: BigQueryClient, table: SourceTable) -> bigquery.Table:
    try:
        return await client.use(
            lambda library: library.get_table(table.full_name, **client.request_options())
        )
    except NotFoundError:
        raise NotFoundError(
            f"there is no table {table.full_name}; subscribe, or correct bigquery.source"
        ) from None


def _check_location(settings: Settings, client: BigQueryClient, stored: bigquery.Table) -> None:
    """Check that one statement can read both the source and the ledgers."""
    where = stored.location or ""
    if client.place.endpoint is None and where.upper() != settings.bigquery.location.upper():
        raise ConfigurationError(
            f"the source is in {where}, and bigquery.location is {settings.bigquery.location}; set"
            f" it to {where}, with a new bigquery.dataset, and run `sightline setup`"
        )


def _first_row(
    library: bigquery.Client, client: BigQueryClient, table: bigquery.Table
) -> Mapping[str, Any] | None:
    """Return one row, by a call that, unlike a query, costs nothing."""
    rows = library.list_rows(table, max_results=1, **client.request_options())
    return next((dict(row.items()) for row in rows), None)


def _at(row: Mapping[str, Any], path: str) -> object:
    value: Any = {name.lower(): cell for name, cell in row.items()}
    for step in path.lower().split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
