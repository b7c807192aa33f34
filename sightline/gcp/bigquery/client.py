"""Statements and tables of one dataset: google-cloud-bigquery, off the event loop.

The library retries what is transient, with one request id, so that a statement whose answer was
lost is not run twice; nothing above it retries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.failures import BIGQUERY
from sightline.gcp.translation import needed_for
from sightline.gcp.vertex_location import billing_label
from sightline.schema import Ledger, bigquery_schema

if TYPE_CHECKING:
    from google.cloud import bigquery

RETRY_S = 120.0
"""How long a call is retried by the library; an emulator's refusal is taken at its word."""

Row = tuple[Any, ...]
Value = str | int | float | bool | datetime | Sequence[str]
Result = TypeVar("Result")


class BigQueryClient:
    """Statements and tables of one dataset; made by ``open``."""

    def __init__(self, client: bigquery.Client, place: BigQueryPlace) -> None:
        self.place = place
        self._client = client
        self._real = place.endpoint is None

    @classmethod
    @asynccontextmanager
    async def open(cls, place: BigQueryPlace, credentials: Any = None) -> AsyncIterator[Self]:
        """Open a client; nothing is asked yet. ``credentials`` are google-auth's, or the default.

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
            TransientError, NotFoundError, ConfigurationError: see ``failures``.
        """
        return await self._do(
            lambda: [row.values() for row in self._run(statement, values, run_id)]
        )

    async def bound(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """Return all rows of a query whose values have any name; raises as ``rows`` does."""
        return await self._do(lambda: [row.values() for row in self._run(statement, values, "")])

    async def value(self, statement: str, /, *, run_id: str = "", **values: Value) -> Any:
        """Return the one value of a query's one row."""
        return (await self.rows(statement, run_id=run_id, **values))[0][0]

    async def execute(self, statement: str, /, *, run_id: str = "", **values: Value) -> None:
        """Run a statement whose result is not wanted; raises as ``rows`` does."""
        await self._do(lambda: self._run(statement, values, run_id))

    async def rehearse(self, statement: str, /, **values: Value) -> int:
        """Return the bytes that a statement would read; it is checked, not run. Free of charge.

        An emulator runs it.
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
                **self.how(),
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
        """Make the dataset, unless it is there."""
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        dataset = bigquery.Dataset(f"{self.place.project}.{self.place.dataset}")
        dataset.location = self.place.location

        def create() -> None:
            try:
                self._client.get_dataset(dataset.reference, **self.how())
            except NotFound:
                self._client.create_dataset(dataset, exists_ok=True, **self.how())

        await self._do(create)

    async def create_table(self, ledger: Ledger) -> None:
        """Make a ledger's table, unless it is there."""
        from google.cloud import bigquery

        fields = [bigquery.SchemaField.from_api_repr(column) for column in bigquery_schema(ledger)]
        if not self._real:  # the emulator takes FLOAT for four bytes, and no FLOAT64 into it
            fields = [_as_float64(field) for field in fields]
        table = bigquery.Table(self._full(ledger.name), schema=fields)
        table.description = ledger.description
        if ledger.partition_by:
            table.time_partitioning = bigquery.TimePartitioning(field=ledger.partition_by)
        if ledger.cluster_by:
            table.clustering_fields = list(ledger.cluster_by)
        await self._do(lambda: self._client.create_table(table, exists_ok=True, **self.how()))

    async def put_view(self, name: str, select: str, description: str) -> None:
        """Make a view, or make it show this query from now on."""
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        view = bigquery.Table(self._full(name))
        view.view_query = select
        view.description = description

        def put() -> None:
            try:
                there = self._client.get_table(view.reference, **self.how())
            except NotFound:
                self._client.create_table(view, **self.how())
                return
            if there.view_query == select:
                return
            if self._real:
                self._client.update_table(view, ["view_query", "description"], **self.how())
            else:  # the emulator cannot change a view
                self._client.delete_table(view.reference, **self.how())
                self._client.create_table(view, **self.how())

        await self._do(put)

    async def view_query(self, name: str) -> str:
        """Return what a view shows; empty when there is none of this name."""
        from google.api_core.exceptions import NotFound

        def query() -> str:
            try:
                return self._client.get_table(self._full(name), **self.how()).view_query or ""
            except NotFound:
                return ""

        return await self._do(query)

    async def tables(self) -> dict[str, str]:
        """Return the dataset's tables and views: name to ``TABLE`` or ``VIEW``."""
        dataset = f"{self.place.project}.{self.place.dataset}"
        tables = await self._do(lambda: list(self._client.list_tables(dataset, **self.how())))
        return {table.table_id: table.table_type for table in tables}

    async def columns(self, full_name: str) -> dict[str, str]:
        """Return a table's columns: name to type, as the REST API says it."""
        table = await self._do(lambda: self._client.get_table(full_name, **self.how()))
        return {
            field.name: "FLOAT" if field.field_type == "FLOAT64" else field.field_type
            for field in table.schema
        }

    async def use(self, work: Callable[[bigquery.Client], Result]) -> Result:
        """Return what ``work`` returns; it runs in a thread, with the library's own client."""
        return await self._do(lambda: work(self._client))

    def config(self, values: Mapping[str, Value], run_id: str = "") -> bigquery.QueryJobConfig:
        """Return how a statement is run: its bound values, its bound on cost, its billing label."""
        from google.cloud import bigquery

        return bigquery.QueryJobConfig(
            query_parameters=[_parameter(name, value) for name, value in values.items()],
            maximum_bytes_billed=self.place.max_bytes_billed,
            labels={"sightline_run": billing_label(run_id)} if run_id else {},
        )

    @property
    def location(self) -> str | None:
        """Where jobs run; an emulator knows no place."""
        return self.place.location if self._real else None

    def _run(
        self, statement: str, values: Mapping[str, Value], run_id: str, page_rows: int | None = None
    ) -> Any:
        config = self.config(values, run_id)
        return self._client.query_and_wait(
            statement,
            job_config=config,
            location=self.location,
            job_retry=None,  # type: ignore[arg-type]  # None is accepted, as its docstring says
            page_size=page_rows,
            **self.how(),
        )

    def how(self) -> dict[str, Any]:
        """Return how the library is called: for how long it retries, and what."""
        from google.api_core.retry import Retry
        from google.cloud.bigquery import DEFAULT_RETRY

        if self._real:
            return {"retry": DEFAULT_RETRY.with_timeout(RETRY_S)}
        return {"retry": Retry(predicate=_is_busy, initial=0.05, maximum=1.0, timeout=RETRY_S)}

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


def _is_busy(error: Exception) -> bool:
    """Return whether the emulator, which takes one statement at a time, was at another."""
    return "database is locked" in str(error)


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
    """Return a FLOAT64 parameter whose value is a text, as all of the REST API's values are."""
    from google.cloud import bigquery

    class Real(bigquery.ScalarQueryParameter):
        def to_api_repr(self) -> dict[str, Any]:
            return {**super().to_api_repr(), "parameterValue": {"value": repr(value)}}

    return Real(name, "FLOAT64", value)
