"""Checks of BigQuery: the dataset, its tables and views, and the permission to use them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sightline.cli.checkup.finding import Finding, attempt, unchecked
from sightline.cli.checkup.google import grant_on_project, mends
from sightline.cli.cloud import google_credentials
from sightline.errors import ConfigurationError, NotFoundError, SightlineError
from sightline.operations.expected_tables import EMBEDDINGS_VIEWS, expected_ledgers, mend_table
from sightline.schema import Ledger
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.gcp.bigquery.client import BigQueryClient

API = "bigquery.googleapis.com"
OUT_OF_REACH = "BigQuery is out of reach"
_WRITING = ("bigquery.tables.getData", "bigquery.tables.updateData")


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[BigQueryClient]:
    """Open a client as the settings say.

    Raises:
        ConfigurationError: no project, no credentials, or a name that is none.
    """
    from sightline.gcp.bigquery.client import BigQueryClient
    from sightline.wiring.places import bigquery_place

    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint or "")
    async with BigQueryClient.open(place, credentials) as client:
        yield client


async def check_tables(settings: Settings) -> Sequence[Finding]:
    """Return the findings on the dataset and what is in it."""
    mend = mends(
        settings,
        API,
        denied=grant_on_project(settings, "roles/bigquery.dataEditor"),
        absent="sightline setup",
        otherwise="correct the [bigquery] section of the settings",
    )
    try:
        async with open_client(settings) as client:
            jobs = mends(
                settings,
                API,
                denied=grant_on_project(settings, "roles/bigquery.jobUser"),
                absent="sightline setup",
            )
            findings = [await attempt("dataset", lambda: _dataset(settings, client), mend)]
            if OUT_OF_REACH in findings[0].detail:
                return [*findings, unchecked("tables", OUT_OF_REACH)]
            findings.append(await attempt("queries", lambda: _query(client), jobs))
            findings += [await _ledger(client, one, mend) for one in expected_ledgers(settings)]
            findings.append(await attempt("views", lambda: _views(client), mend))
            findings.append(await _may_write(client, mend))
            return _joined(findings)
    except SightlineError as error:
        return (Finding("dataset", False, str(error), mend(error)),)


async def _dataset(settings: Settings, client: BigQueryClient) -> str:
    name = f"{client.place.project}.{client.place.dataset}"
    found = await client.use(lambda library: library.get_dataset(name, **client.how()))
    wanted = settings.bigquery.location
    if found.location and found.location.upper() != wanted.upper():
        raise ConfigurationError(
            f"{name} is in {found.location}, and bigquery.location is {wanted}; set it to"
            f" {found.location}"
        )
    return f"{name} in {found.location or wanted}"


async def _query(client: BigQueryClient) -> str:
    await client.value("SELECT 1")
    return "can be run"


async def _ledger(
    client: BigQueryClient, ledger: Ledger, mend: Callable[[Exception], str]
) -> Finding:
    from sightline.gcp.bigquery.tables import wrong_columns

    what = f"table {ledger.name}"
    try:
        wrong = await wrong_columns(client, ledger)
    except SightlineError as error:
        return Finding(what, False, str(error), mend(error))
    if wrong:
        return Finding(what, False, "; ".join(wrong), mend_table(client.place, ledger, wrong))
    return Finding(what, True, "as it should be")


async def _views(client: BigQueryClient) -> str:
    from sightline.schema import VIEWS

    there = await client.tables()
    wanted = [*(one.name for one in VIEWS), *EMBEDDINGS_VIEWS]
    missing = [name for name in wanted if name not in there]
    if missing:
        raise NotFoundError(f"{', '.join(missing)} missing; run `sightline setup`")
    return f"{len(wanted)} there"


async def _may_write(client: BigQueryClient, mend: Callable[[Exception], str]) -> Finding:
    """Return whether rows may be read and appended, by the one ledger that every worker writes."""
    what = "permission to write"
    name = f"{client.place.project}.{client.place.dataset}.classifications"
    if client.place.endpoint is not None:
        return unchecked(what, "permissions are not known to an emulator")
    try:
        answer = await client.use(
            lambda library: library.test_iam_permissions(name, _WRITING, **client.how())
        )
    except SightlineError as error:
        return Finding(what, False, str(error), mend(error))
    missing = [one for one in _WRITING if one not in answer.get("permissions", ())]
    if missing:
        detail = f"no permission {', '.join(missing)} on {name}"
        return Finding(what, False, detail, mend(ConfigurationError(detail)))
    return Finding(what, True, "rows can be read and appended")


def _joined(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings with those on sound tables as one."""
    sound = [one for one in findings if one.ok and one.what.startswith("table ")]
    if not sound:
        return findings
    names = ", ".join(one.what.removeprefix("table ") for one in sound)
    joined = Finding("tables", True, f"as they should be: {names}")
    first = findings.index(sound[0])
    rest = [one for one in findings if one not in sound]
    return [*rest[:first], joined, *rest[first:]] if first <= len(rest) else [*rest, joined]
