"""BigQuery as the engine, on the emulator: every statement runs, except the call of a model.

A table with prepared responses, by part and pass, replaces that call. The image's URI replaces
``OBJ.MAKE_REF``, which the emulator does not have either.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import BigQueryLedgers
from sightline.gcp.bigquery.locks import LockTiming, TableLocks
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.tables import put_embeddings
from sightline.gcp.sql.by_statement import Functions, RemoteModelCalls, StatementSubmitter
from sightline.gcp.sql.images import References
from sightline.gcp.sql.jobs import BigQueryJobs
from sightline.gcp.sql.model_calls import ModelCall
from sightline.gcp.sql.part_batches import BigQueryPartBatches
from sightline.gcp.sql.pass_submitter import PassSubmitter
from sightline.gcp.sql.remote_models import RemoteModel
from sightline.gcp.sql.result_mappings import ResultMappings
from sightline.model import (
    AnswerPart,
    EmbeddingPart,
    Filter,
    Observation,
    Part,
    PartRequest,
    RunRequest,
)
from sightline.prices import Price, load_prices, price_of
from sightline.tasks import TaskSpec
from sightline.wiring.ids import utc_now
from sightline.work_lists import BY_STATEMENTS
from tests.contracts.warehouse_rig import NOW
from tests.gcp.conftest import DAY
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.source_rig import ASSET_COLUMNS, load, make_source, open_source
from tests.gcp.warehouse_rig import ONE_AT_A_TIME, open_dataset

GEMINI = "gemini-3.5-flash-lite"
EMBEDDING = EmbeddingPart("gemini-embedding-2", 4)
RETRY = "A retryable error occurred: RESOURCE_EXHAUSTED error from remote endpoint."


@dataclass(frozen=True, slots=True)
class Response:
    """A model's response about a part: an answer, a vector, or a status."""

    status: str = ""
    answer: str | None = None
    vector: Sequence[float] = ()
    ending: str = "STOP"

    def response(self) -> str:
        """Return the response as BigQuery returns it."""
        usage = {"prompt_token_count": 1000, "candidates_token_count": 50}
        return json.dumps({"candidates": [{"finish_reason": self.ending}], "usage_metadata": usage})


@dataclass(frozen=True, slots=True)
class UriReferences(References):
    """References without the function that the emulator does not have."""

    @property
    def image(self) -> str:
        """The URI instead of a reference."""
        return "STRUCT(uri)"


@dataclass(frozen=True, slots=True)
class PreparedResponses:
    """Reads responses from a table that has a row for each part and pass."""

    table: str

    def responses(self, chosen_table: str) -> str:
        """Return the responses that are prepared for this pass."""
        return (
            "SELECT chosen.part_key, status, answer, response, vector"
            f" FROM {chosen_table} AS chosen JOIN {self.table} AS prepared"
            " ON prepared.part_key = chosen.part_key WHERE prepared.pass = @pass"
        )


class PreparedModelCalls:
    """Prepares the real calls, but reads responses from a table."""

    def __init__(self, model_calls: RemoteModelCalls, table: str) -> None:
        self._model_calls = model_calls
        self._table = table

    async def prepare(self, part: Part) -> None:
        """Create what the real call needs."""
        await self._model_calls.prepare(part)

    async def of(self, part: Part) -> ModelCall:
        """Return the call that reads the table."""
        await self._model_calls.of(part)
        return PreparedResponses(self._table)


@dataclass
class Store:
    """Stores remote models in memory."""

    by_name: dict[str, RemoteModel] = field(default_factory=dict)
    defined: list[RemoteModel] = field(default_factory=list)

    async def models(self) -> Sequence[RemoteModel]:
        """Return the models."""
        return list(self.by_name.values())

    async def define(self, model: RemoteModel) -> None:
        """Create or replace a model."""
        self.by_name[model.name] = model
        self.defined.append(model)

    async def drop(self, name: str) -> None:
        """Remove a model."""
        self.by_name.pop(name, None)


@dataclass
class Warehouse:
    """A dataset with observations, and prepared model responses about them."""

    client: BigQueryClient
    runs: BigQueryRuns
    ledgers: BigQueryLedgers
    batches: BigQueryPartBatches
    store: Store
    open_run: Callable[..., Any]
    jobs: BigQueryJobs
    batches_by: Callable[[PassSubmitter, str], BigQueryPartBatches]

    async def prepare_responses(self, pass_: int, responses: Mapping[str, Response]) -> None:
        """Prepare the responses about these parts in this pass."""
        table = self.client.place.table("prepared")
        for key, saying in responses.items():
            await self.client.bound(
                f"INSERT INTO {table} (part_key, pass, status, answer, response, vector)"
                " SELECT @key, @pass, @status, NULLIF(@answer, ''), @response,"
                " ARRAY(SELECT CAST(number AS FLOAT64) FROM UNNEST(@vector) AS number"
                " WITH OFFSET AS place ORDER BY place)",
                {
                    "key": key, "pass": pass_, "status": saying.status,
                    "answer": saying.answer or "", "response": saying.response(),
                    "vector": [repr(x) for x in saying.vector],
                },
            )  # fmt: skip

    async def rows(self, select: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query over the ledgers, named in braces."""
        return await self.client.rows(select.format_map(self.client.place.names()))


@asynccontextmanager
async def open_warehouse(
    emulator: BigQueryEmulator,
    observations: Sequence[Observation],
    tasks: Iterable[TaskSpec] = (),
    *,
    embedding: EmbeddingPart = EMBEDDING,
    engine: str = BY_STATEMENTS,
    buckets: tuple[str, ...] = (),
) -> AsyncIterator[Warehouse]:
    """Open a dataset with these observations as its source, and with these tasks.

    Runs are opened for ``engine``. If ``buckets`` are given, only their images are sent.
    """
    async with (
        open_dataset(emulator) as client,
        LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender,
        open_source(client) as source,
    ):
        await put_embeddings(client, [embedding])
        await make_source(client, "latest_observations", ASSET_COLUMNS)
        await load(client, observations)
        place = client.place
        await client.execute(
            f"CREATE TABLE {place.table('prepared')} (part_key STRING, pass INT64, status STRING,"
            " answer STRING, response STRING, vector ARRAY<FLOAT64>)"
        )
        runs, ledgers, store = BigQueryRuns(client, appender), BigQueryLedgers(client), Store()
        for task in tasks:
            await runs.remember_task(task, now=NOW)
        mappings = ResultMappings(
            ledgers.task_version, price, place=place, answers_at="global", embeddings_at="global"
        )
        real = RemoteModelCalls(
            store, definition, ledgers.task_version, models=place, functions=Functions()
        )
        jobs = BigQueryJobs(client, look_every_s=0.05)
        model_calls = PreparedModelCalls(real, place.table("prepared"))

        def batches_by(submitter: PassSubmitter, worker_id: str) -> BigQueryPartBatches:
            locks = TableLocks(client, worker_id, utc_now, timing=LockTiming(patience_s=0.0))
            return BigQueryPartBatches(
                jobs,
                runs,
                place,
                client,
                mappings,
                submitter,
                locks,
                worker_id=worker_id,
                engine=engine,
            )

        async def open_run(*parts: PartRequest, run_id: str = "run-1") -> None:
            request = RunRequest(Filter(), parts, "sightline enqueue", engine)
            await source.open_run(request, run_id=run_id, now=NOW)

        batches = batches_by(
            StatementSubmitter(jobs, model_calls, UriReferences("p.us.c", buckets)), "w1"
        )
        yield Warehouse(client, runs, ledgers, batches, store, open_run, jobs, batches_by)


def definition(part: Part) -> RemoteModel:
    """Return the remote model for a part."""
    kind = "answers" if isinstance(part, AnswerPart) else "vectors"
    return RemoteModel(f"sightline_{kind}", "https://models.example", "p.us.c")


def price(model: str) -> Price | None:
    """Return the shipped price."""
    return price_of(load_prices(), model, DAY)
