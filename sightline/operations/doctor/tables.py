"""Checks of BigQuery: the dataset, its tables and views, and the permission to use them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sightline.errors import ConfigurationError, NotFoundError, SightlineError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.tables import wrong_columns
from sightline.operations.doctor.finding import (
    Finding,
    attempt,
    failed,
    not_checked,
    passed,
)
from sightline.operations.doctor.remedies import google_remedy, grant_on_project
from sightline.operations.expected_tables import EMBEDDINGS_VIEWS, expected_ledgers, mend_table
from sightline.schema import VIEWS, Ledger
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials
from sightline.wiring.places import bigquery_place

API = "bigquery.googleapis.com"
OUT_OF_REACH = "BigQuery is out of reach"
_WRITING = ("bigquery.tables.getData", "bigquery.tables.updateData")


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[BigQueryClient]:
    """Open a client for the settings.

    Raises:
        ConfigurationError: no project, no credentials, or an invalid name.
    """
    place = bigquery_place(settings)
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    async with BigQueryClient.open(place, credentials) as client:
        yield client


async def check_tables(settings: Settings) -> Sequence[Finding]:
    """Return the findings on the dataset and its contents."""
    remedy = google_remedy(
        settings,
        API,
        denied=grant_on_project(settings, "roles/bigquery.dataEditor"),
        absent="sightline setup",
        otherwise="correct the [bigquery] section of the settings",
    )
    try:
        async with open_client(settings) as client:
            query_remedy = google_remedy(
                settings,
                API,
                denied=grant_on_project(settings, "roles/bigquery.jobUser"),
                absent="sightline setup",
            )
            findings = [await attempt("dataset", lambda: _dataset(settings, client), remedy)]
            if OUT_OF_REACH in findings[0].detail:
                return [*findings, not_checked("tables", OUT_OF_REACH)]
            findings.append(await attempt("queries", lambda: _query(client), query_remedy))
            findings += [
                await _ledger(client, ledger, remedy) for ledger in expected_ledgers(settings)
            ]
            findings.append(await attempt("views", lambda: _views(client), remedy))
            findings.append(await _may_write(client, remedy))
            return _joined(findings)
    except SightlineError as error:
        return (failed("dataset", str(error), remedy(error)),)


async def _dataset(settings: Settings, client: BigQueryClient) -> str:
    name = f"{client.place.project}.{client.place.dataset}"
    stored = await client.use(lambda library: library.get_dataset(name, **client.request_options()))
    location = settings.bigquery.location
    if stored.location and stored.location.upper() != location.upper():
        raise ConfigurationError(
            f"{name} is in {stored.location}, and bigquery.location is {location}; set it to"
            f" {stored.location}"
        )
    return f"{name} in {stored.location or location}"


async def _query(client: BigQueryClient) -> str:
    await client.value("SELECT 1")
    return "can be run"


async def _ledger(
    client: BigQueryClient, ledger: Ledger, remedy: Callable[[Exception], str]
) -> Finding:
    subject = f"table {ledger.name}"
    try:
        wrong = await wrong_columns(client, ledger)
    except SightlineError as error:
        return failed(subject, str(error), remedy(error))
    if wrong:
        return failed(subject, "; ".join(wrong), mend_table(client.place, ledger, wrong))
    return passed(subject, "as it should be")


async def _views(client: BigQueryClient) -> str:
    existing = await client.tables()
    names = [*(view.name for view in VIEWS), *EMBEDDINGS_VIEWS]
    missing = [name for name in names if name not in existing]
    if missing:
        raise NotFoundError(f"{', '.join(missing)} missing; run `sightline setup`")
    return f"{len(names)} exist"


async def _may_write(client: BigQueryClient, remedy: Callable[[Exception], str]) -> Finding:
    """Return whether rows can be read and appended, by the ledger that every worker writes."""
    subject = "permission to write"
    name = f"{client.place.project}.{client.place.dataset}.classifications"
    if client.place.endpoint is not None:
        return not_checked(subject, "an emulator has no permissions")
    try:
        answer = await client.use(
            lambda library: library.test_iam_permissions(name, _WRITING, **client.request_options())
        )
    except SightlineError as error:
        return failed(subject, str(error), remedy(error))
    missing = [
        permission for permission in _WRITING if permission not in answer.get("permissions", ())
    ]
    if missing:
        detail = f"no permission {', '.join(missing)} on {name}"
        return failed(subject, detail, remedy(ConfigurationError(detail)))
    return passed(subject, "rows can be read and appended")


def _joined(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings with those on correct tables merged into one."""
    sound = [
        finding
        for finding in findings
        if not finding.failed and finding.subject.startswith("table ")
    ]
    if not sound:
        return findings
    names = ", ".join(finding.subject.removeprefix("table ") for finding in sound)
    joined = passed("tables", f"as they should be: {names}")
    first = findings.index(sound[0])
    rest = [finding for finding in findings if finding not in sound]
    return [*rest[:first], joined, *rest[first:]] if first <= len(rest) else [*rest, joined]
