"""Runs statements and manages tables of one dataset, with google-cloud-bigquery in threads.

The library retries transient errors with the same request id, so that a statement whose response
was lost does not run twice. Callers do not retry.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.failures import BIGQUERY
from sightline.gcp.translation import is_transient, may_have_run, needed_for
from sightline.gcp.vertex_location import billing_label
from sightline.schema import Ledger, bigquery_schema

if TYPE_CHECKING:
    from google.cloud import bigquery

RETRY_S = 120.0
"""How long the library retries a call; on an emulator, only if it is busy or times out."""

_READS = re.compile(r"\s*(SELECT|WITH)\b")
"""Begins a statement that changes nothing."""

Row = tuple[Any, ...]
Value = str | int | float | bool | datetime | Sequence[str]
Result = TypeVar("Result")


class BigQueryClient:
    """Runs statements and manages tables of one dataset; created by ``open``."""

    def __init__(self, client: bigquery.Client, place: BigQueryPlace) -> None:
        self.place = place
        self._client = client
        self._real = place.endpoint is None

    @classmethod
    @asynccontextmanager
    async def open(cls, place: BigQueryPlace, credentials: Any = None) -> AsyncIterator[Self]:
        """Open a client, without sending a request.

        ``credentials`` are google-auth's; by default, the application default credentials.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        with BIGQUERY.translated("BigQuery"):
            client = await asyncio.to_thread(_library_client, place, credentials)
        try:
            yield cls(client, place)
        finally:
            client.close()  # type: ignore[no-untyped-call]  # untyped there

    async def rows(self, statement: str, /, *, run_id: str = "", **values: Value) -> list[Row]:
        """Return all rows of a query; ``values`` are bound to its ``@`` parameters.

        Raises:
            TransientError, NotFoundError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        return await self._do(
            lambda: [row.values() for row in self._run(statement, values, run_id)]
        )

    async def bound(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """Return all rows of a query with parameters of any name; raises as ``rows`` does."""
        return await self._do(lambda: [row.values() for row in self._run(statement, values, "")])

    async def value(self, statement: str, /, *, run_id: str = "", **values: Value) -> Any:
        """Return the value of a query with one row and one column."""
        return (await self.rows(statement, run_id=run_id, **values))[0][0]

    async def execute(self, statement: str, /, *, run_id: str = "", **values: Value) -> None:
        """Run a statement and discard its result; raises as ``rows`` does."""
        await self._do(lambda: self._run(statement, values, run_id))

    async def dry_run(self, statement: str, /, **values: Value) -> int:
        """Check a statement and return the bytes that it would read, free of charge.

        An emulator runs the statement.
        """
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            dry_run=True,
            use_query_cache=False,
            query_parameters=[_parameter(name, value) for name, value in values.items()],
        )
        job = await self._do(
            lambda: self._client.query(
                statement,
                job_config=config,
                location=self.place.location if self._real else None,
                job_retry=None,
                **self.request_options(),
            )
        )
        return int(job.total_bytes_processed or 0)

    async def pages(
        self, statement: str, /, *, page_rows: int = 5000, **values: Value
    ) -> AsyncIterator[list[Row]]:
        """Yield a query's rows page by page, in constant memory."""
        pages = await self._do(lambda: iter(self._run(statement, values, "", page_rows).pages))
        while (page := await self._do(lambda: next(pages, None))) is not None:
            yield [row.values() for row in page]

    async def create_dataset(self) -> None:
        """Create the dataset if it does not exist."""
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        dataset = bigquery.Dataset(f"{self.place.project}.{self.place.dataset}")
        dataset.location = self.place.location

        def create() -> None:
            try:
                self._client.get_dataset(dataset.reference, **self.request_options())
            except NotFound:
                self._client.create_dataset(dataset, exists_ok=True, **self.request_options())

        await self._do(create)

    async def create_table(self, ledger: Ledger) -> None:
        """Create a ledger's table if it does not exist."""
        from google.cloud import bigquery

        fields = [bigquery.SchemaField.from_api_repr(column) for column in bigquery_schema(ledger)]
        if not self._real:  # the emulator's FLOAT has four bytes, and accepts no FLOAT64 value
            fields = [_as_float64(field) for field in fields]
        table = bigquery.Table(self._full(ledger.name), schema=fields)
        table.description = ledger.description
        if ledger.partition_by:
            table.time_partitioning = bigquery.TimePartitioning(field=ledger.partition_by)
        if ledger.cluster_by:
            table.clustering_fields = list(ledger.cluster_by)
        await self._do(
            lambda: self._client.create_table(table, exists_ok=True, **self.request_options())
        )

    async def put_view(self, name: str, select: str, description: str) -> None:
        """Create a view, or replace its query if that differs."""
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        view = bigquery.Table(self._full(name))
        view.view_query = select
        view.description = description

        def put() -> None:
            try:
                existing = self._client.get_table(view.reference, **self.request_options())
            except NotFound:
                self._client.create_table(view, **self.request_options())
                return
            if existing.view_query == select:
                return
            if self._real:
                self._client.update_table(
                    view, ["view_query", "description"], **self.request_options()
                )
            else:  # the emulator cannot change a view
                self._client.delete_table(view.reference, **self.request_options())
                self._client.create_table(view, **self.request_options())

        await self._do(put)

    async def view_query(self, name: str) -> str:
        """Return the query of a view; empty if the view does not exist."""
        from google.api_core.exceptions import NotFound

        def query() -> str:
            try:
                return (
                    self._client.get_table(self._full(name), **self.request_options()).view_query
                    or ""
                )
            except NotFound:
                return ""

        return await self._do(query)

    async def tables(self) -> dict[str, str]:
        """Return the dataset's tables and views: name to ``TABLE`` or ``VIEW``."""
        dataset = f"{self.place.project}.{self.place.dataset}"
        tables = await self._do(
            lambda: list(self._client.list_tables(dataset, **self.request_options()))
        )
        return {table.table_id: table.table_type for table in tables}

    async def columns(self, full_name: str) -> dict[str, str]:
        """Return a table's columns: name to type, in the REST API's terms."""
        table = await self._do(lambda: self._client.get_table(full_name, **self.request_options()))
        return {
            field.name: "FLOAT" if field.field_type == "FLOAT64" else field.field_type
            for field in table.schema
        }

    async def use(self, work: Callable[[bigquery.Client], Result]) -> Result:
        """Call ``work`` in a thread with the library's own client, and return its result."""
        return await self._do(lambda: work(self._client))

    def config(self, values: Mapping[str, Value], run_id: str = "") -> bigquery.QueryJobConfig:
        """Return a statement's job configuration: parameters, cost limit and billing label."""
        from google.cloud import bigquery

        return bigquery.QueryJobConfig(
            query_parameters=[_parameter(name, value) for name, value in values.items()],
            maximum_bytes_billed=self.place.max_bytes_billed,
            labels={"sightline_run": billing_label(run_id)} if run_id else {},
        )

    @property
    def location(self) -> str | None:
        """The location of jobs; None for an emulator."""
        return self.place.location if self._real else None

    def _run(
        self, statement: str, values: Mapping[str, Value], run_id: str, page_rows: int | None = None
    ) -> Any:
        config = self.config(values, run_id)
        options = self.request_options()
        if not self._real and not _READS.match(statement):  # an emulator would run it twice
            options["retry"] = options["retry"].with_predicate(_was_not_run)
        return self._client.query_and_wait(
            statement,
            job_config=config,
            location=self.location,
            job_retry=None,  # type: ignore[arg-type]  # None is accepted, as its docstring says
            page_size=page_rows,
            **options,
        )

    def request_options(self) -> dict[str, Any]:
        """Return the retry options of the library's calls."""
        from google.api_core.retry import Retry
        from google.cloud.bigquery import DEFAULT_RETRY

        if self._real:
            return {"retry": DEFAULT_RETRY.with_timeout(RETRY_S)}
        return {
            "retry": Retry(
                predicate=_is_busy_or_transient, initial=0.05, maximum=1.0, timeout=RETRY_S
            )
        }

    def _full(self, name: str) -> str:
        self.place.table(name)  # checks the name
        return f"{self.place.project}.{self.place.dataset}.{name}"

    async def _do(self, work: Callable[[], Result]) -> Result:
        with BIGQUERY.translated(f"the dataset {self.place.project}.{self.place.dataset}"):
            return await asyncio.to_thread(work)


def _as_float64(field: bigquery.SchemaField) -> bigquery.SchemaField:
    from google.cloud import bigquery

    kind = "FLOAT64" if field.field_type == "FLOAT" else field.field_type
    return bigquery.SchemaField(field.name, kind, field.mode, description=field.description)


def _is_busy_or_transient(error: Exception) -> bool:
    """Return whether the emulator timed out or was busy; it runs one statement at a time."""
    return "database is locked" in str(error) or is_transient(error)


def _was_not_run(error: Exception) -> bool:
    return _is_busy_or_transient(error) and not may_have_run(error)


def _library_client(place: BigQueryPlace, credentials: Any) -> bigquery.Client:
    with needed_for("BigQuery"):
        from google.cloud import bigquery  # 0.9 s
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials

    from sightline.gcp.bounded_requests import bound_responses

    if place.endpoint is None:
        client = bigquery.Client(place.project, credentials=credentials, location=place.location)
    else:
        client = bigquery.Client(
            place.project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]  # untyped there
            client_options=ClientOptions(api_endpoint=place.endpoint),
        )
    bound_responses(client._http)  # noqa: SLF001 - no other way to its session
    return client


_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"),
    (str, "STRING"),
    (int, "INT64"),
    (float, "FLOAT64"),
    (datetime, "TIMESTAMP"),
)


def _parameter(name: str, value: Value) -> Any:
    from google.cloud import bigquery

    if isinstance(value, float):
        return _real(name, value)
    for kind, sql_type in _TYPES:
        if isinstance(value, kind):
            return bigquery.ScalarQueryParameter(name, sql_type, value)  # type: ignore[arg-type]  # of this kind
    return bigquery.ArrayQueryParameter(name, "STRING", list(value))  # type: ignore[arg-type]  # texts


def _real(name: str, value: float) -> Any:
    """Return a FLOAT64 parameter whose value is text, as the REST API requires."""
    from google.cloud import bigquery

    class Real(bigquery.ScalarQueryParameter):
        def to_api_repr(self) -> dict[str, Any]:
            return {**super().to_api_repr(), "parameterValue": {"value": repr(value)}}

    return Real(name, "FLOAT64", value)
