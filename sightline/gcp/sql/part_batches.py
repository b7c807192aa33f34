"""Implements ``PartBatches`` on BigQuery: runs the statements of this package in order, as jobs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import orjson

from sightline.gcp.bigquery.client import BigQueryClient, Value
from sightline.gcp.bigquery.ledgers import ALL_SETTLED, ALL_WRITTEN, ledger_names
from sightline.gcp.bigquery.locks import TableLocks
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.sql.files import statement
from sightline.gcp.sql.jobs import Jobs
from sightline.gcp.sql.judging import FAILED, GEMINI, RETRYABLE
from sightline.gcp.sql.pass_submitter import BatchPass, PassSubmitter
from sightline.gcp.sql.result_mappings import ResultMappings
from sightline.gcp.sql.run_part_batches import part_batches_of
from sightline.model import SEPARATOR
from sightline.ports import BatchOutcome, PartBatch, Runs, WarehouseUsage
from sightline.schema import DEAD_LETTERS, Column, Ledger
from sightline.wire import part_to_json
from sightline.work_lists import part_suffix

LIST_READS_PER_PASS = 4
"""How often a pass reads the list of parts: to count, to choose, and to write results and dead
letters."""

_NOT_REFUSED = {"answered", "retryable"}


@dataclass(frozen=True, slots=True)
class _Names:
    """The tables and the jobs of a batch; table names are quoted, except ``responses_name``."""

    responses_name: str
    responses_table: str
    chosen_table: str
    staging_table: str
    job: str


class BigQueryPartBatches:
    """Processes the batches of the runs of ``engine`` in the dataset of ``place``.

    Responses are stored in the dataset of ``responses``.
    """

    def __init__(
        self,
        jobs: Jobs,
        runs: Runs,
        place: BigQueryPlace,
        responses: BigQueryClient,
        mappings: ResultMappings,
        submitter: PassSubmitter,
        locks: TableLocks,
        *,
        worker_id: str,
        engine: str,
    ) -> None:
        self._jobs = jobs
        self._runs = runs
        self._names = ledger_names(place)
        self._responses = responses
        self._mappings = mappings
        self._submitter = submitter
        self._locks = locks
        self._worker_id = worker_id
        self._engine = engine

    @property
    def usage(self) -> WarehouseUsage:
        """The usage of the statements that ask or, for batch jobs, that copy their output."""
        return self._jobs.usage

    async def batches(self, run_id: str | None = None) -> Sequence[PartBatch]:
        """Return the batches of a run, or of all open runs of this engine, oldest first."""
        runs = [run for run in await self._runs.runs() if run_id in (None, run.run_id)]
        return [batch for run in reversed(runs) for batch in part_batches_of(run, self._engine)]

    async def unsettled(self, batch: PartBatch) -> int:
        """Count the parts that are neither written nor dead."""
        select = statement("unsettled", listed=self._listed())
        ((count,),) = await self._jobs.read(select, self._values(batch))
        return int(count)

    async def weight(self, batch: PartBatch) -> int:
        """Return the bytes that one pass reads from the work list."""
        select = statement("unsettled", listed=self._listed())
        return LIST_READS_PER_PASS * await self._jobs.bytes_to_read(select, self._values(batch))

    def claim(self, batch: PartBatch) -> AbstractAsyncContextManager[None]:
        """Lock a batch, since two processes would write everything twice.

        The lock of a killed process is waited out.
        """
        return self._locks.in_turn(self._of(batch).job, f"run {batch.run_id}")

    async def open(self, batch: PartBatch) -> None:
        """Create the responses table; refuse the parts that no model can read."""
        names = self._of(batch)
        await self._responses.create_dataset()
        await self._submitter.prepare(batch.part)
        await self._responses.create_table(responses_ledger(names.responses_name))
        for unreadable, status in self._submitter.images.unreadable():
            refuse = statement(
                "refuse",
                responses_table=names.responses_table,
                listed=self._listed(),
                unreadable=unreadable,
            )
            await self._jobs.read(refuse, {**self._values(batch), "status": status})
        await self._next_pass(batch)

    async def left(self, batch: PartBatch) -> int:
        """Count the parts that are still to be asked about."""
        select = statement(
            "left",
            listed=self._listed(),
            responses_table=self._of(batch).responses_table,
            retryable=RETRYABLE,
            run_events=self._names["run_events"],
        )
        ((count,),) = await self._jobs.read(select, self._values(batch))
        return int(count)

    async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
        """Ask about up to ``parts`` parts in one pass, after any pass that is already running."""
        names = self._of(batch)
        number = await self._next_pass(batch)
        chosen = statement(
            "choose",
            chosen_table=names.chosen_table,
            listed=self._listed(),
            responses_table=names.responses_table,
            retryable=RETRYABLE,
            parts=str(int(parts)),
            image=self._submitter.images.image,
            objects=self._submitter.images.objects,
        )
        # The emulator cannot replace a table.
        await self._jobs.read(statement("drop", table=names.chosen_table), {})
        await self._jobs.read(chosen, self._values(batch))
        await self._submitter.ask(self._pass(batch, number))
        return await self.outcome(batch)

    async def outcome(self, batch: PartBatch) -> BatchOutcome:
        """Return the outcome of the last pass, with the unsettled results of earlier passes."""
        names, mapping = self._of(batch), await self._mappings.of(batch.part)
        tally = statement("tally", judged=mapping.judged(names.responses_table))
        return _outcome(await self._jobs.read(tally, {"pass": await self._last_pass(names)}))

    async def settle(self, batch: PartBatch) -> None:
        """Write answers, vectors and dead letters, each part once, and mark the written rows."""
        names, mapping = self._of(batch), await self._mappings.of(batch.part)
        pieces = {
            **self._names,
            "listed": self._listed(),
            "judged": mapping.judged(names.responses_table),
            "ending": GEMINI.ending,
        }
        values = {**self._values(batch), "worker": self._worker_id}
        written = statement(
            "write_results",
            **pieces,
            ledger=mapping.table,
            columns=_columns(mapping.ledger),
            result=mapping.result,
        )
        await self._jobs.read(written, {**values, **mapping.values, "by_asset": batch.by_asset})
        dead = statement("write_dead_letters", **pieces, columns=_columns(DEAD_LETTERS))
        part = orjson.dumps(part_to_json(batch.part)).decode()
        await self._jobs.read(dead, {**values, "part": part})
        settled = statement(
            "settle",
            responses_table=names.responses_table,
            written=ALL_WRITTEN.format_map(self._names),
            dead_letters=self._names["dead_letters"],
        )
        await self._jobs.read(settled, {"run": batch.run_id})

    async def discard(self, batch: PartBatch) -> None:
        """Discard the permanent refusals of the last pass."""
        names = self._of(batch)
        discard = statement(
            "discard", responses_table=names.responses_table, failed=FAILED, retryable=RETRYABLE
        )
        await self._jobs.read(discard, {"pass": await self._last_pass(names)})

    async def close(self, batch: PartBatch) -> None:
        """Remove the temporary tables, and the responses about settled parts."""
        names = self._of(batch)
        await self._submitter.clear(names.job)
        for table in (names.chosen_table, names.staging_table):
            await self._jobs.read(statement("drop", table=table), {})
        await self._jobs.read(statement("clear", responses_table=names.responses_table), {})

    def _listed(self) -> str:
        return statement(
            "listed",
            work_items=self._names["work_items"],
            settled=ALL_SETTLED.format_map(self._names),
        )

    def _values(self, batch: PartBatch) -> dict[str, Value]:
        return {"run": batch.run_id, "separator": SEPARATOR, "suffix": part_suffix(batch.part)}

    async def _next_pass(self, batch: PartBatch) -> int:
        """Return the number of the next pass, after waiting for a running one.

        A finished pass without rows had no responses, or its table was dropped since.
        """
        names = self._of(batch)
        number = await self._last_pass(names) + 1
        while await self._submitter.wait(self._pass(batch, number)):
            number = max(number, await self._last_pass(names)) + 1
        return number

    def _pass(self, batch: PartBatch, number: int) -> BatchPass:
        names = self._of(batch)
        return BatchPass(
            batch,
            number,
            name=f"{names.job}-{number}-ask",
            batch_name=names.job,
            chosen_table=names.chosen_table,
            responses_table=names.responses_table,
            staging_table=names.staging_table,
            listed=self._listed(),
            values=self._values(batch),
        )

    async def _last_pass(self, names: _Names) -> int:
        select = statement("last_pass", responses_table=names.responses_table)
        ((last,),) = await self._jobs.read(select, {})
        return int(last)

    def _of(self, batch: PartBatch) -> _Names:
        place = self._responses.place
        key = SEPARATOR.join((place.project, place.dataset, batch.run_id, part_suffix(batch.part)))
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        return _Names(
            f"asked_{name}",
            place.table(f"asked_{name}"),
            place.table(f"to_ask_{name}"),
            place.table(f"said_{name}"),
            f"sightline-{name}",
        )


def responses_ledger(name: str) -> Ledger:
    """Return the table of unjudged responses, which are paid for.

    Settled rows lose their responses but are kept: the number of the next pass, and thereby the
    name of its job, is derived from them.
    """
    return Ledger(
        name,
        "Model responses about the parts of one batch",
        (
            Column("part_key", "STRING", "SHA-256 that identifies the part", required=True),
            Column("pass", "INT64", "The pass, from 1; 0 if no model was asked", True),
            Column("status", "STRING", "Empty, or BigQuery's message why there is no answer"),
            Column("answer", "STRING", "The text of the answer"),
            Column("response", "STRING", "The whole response, as JSON"),
            Column("vector", "FLOAT64", "The embedding", repeated=True),
            Column("asked_at", "TIMESTAMP", "When the response was stored", required=True),
            Column("settled", "BOOL", "Whether the result is in the ledgers", required=True),
        ),
    )


def _columns(ledger: Ledger) -> str:
    """Return the columns of a ledger, quoted, since one name is a keyword."""
    return ", ".join(f"`{name}`" for name in ledger.column_names())


def _outcome(rows: Sequence[Sequence[Any]]) -> BatchOutcome:
    counts = {str(outcome): int(count) for outcome, count, _, _ in rows}
    examples = {str(outcome): str(message or "") for outcome, _, _, message in rows}
    refused = {reason: count for reason, count in counts.items() if reason not in _NOT_REFUSED}
    most_frequent = max(refused, key=lambda reason: refused[reason], default="retryable")
    return BatchOutcome(
        answered=counts.get("answered", 0),
        retryable=counts.get("retryable", 0),
        refused=refused,
        cost_usd_micros=sum(int(cost or 0) for _, _, cost, _ in rows),
        example=examples.get(most_frequent, ""),
    )
