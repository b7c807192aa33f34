"""The port ``PartBatches`` over BigQuery: the statements of this package, in order, as jobs."""

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
from sightline.gcp.sql.result_mappings import ResultMapping, ResultMappings
from sightline.gcp.sql.run_part_batches import part_batches_of
from sightline.model import SEPARATOR
from sightline.ports import BatchOutcome, PartBatch, Runs, WarehouseUsage
from sightline.schema import DEAD_LETTERS, Column, Ledger
from sightline.wire import part_to_json
from sightline.work_lists import part_suffix

LISTED_A_PASS = 4
"""How often a pass reads the list of parts: to count, to choose, to write answers, and letters."""

_NOT_REFUSED = {"answered", "retryable"}


@dataclass(frozen=True, slots=True)
class _Names:
    """The tables and the jobs of a batch."""

    asked_name: str
    asked: str
    to_ask: str
    said: str
    job: str


class BigQueryPartBatches:
    """PartBatches of the runs of ``engine`` in the dataset of ``place``.

    What is said is kept in the dataset of ``keep``.
    """

    def __init__(
        self,
        jobs: Jobs,
        runs: Runs,
        place: BigQueryPlace,
        keep: BigQueryClient,
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
        self._keep = keep
        self._mappings = mappings
        self._submitter = submitter
        self._locks = locks
        self._worker_id = worker_id
        self._engine = engine

    @property
    def usage(self) -> WarehouseUsage:
        """What statements under a name took: in batches, those that took in what jobs said."""
        return self._jobs.usage

    async def batches(self, run_id: str | None = None) -> Sequence[PartBatch]:
        """Return the batches of a run, or of all open ones whose engine this is, oldest first."""
        runs = [run for run in await self._runs.runs() if run_id in (None, run.run_id)]
        return [batch for run in reversed(runs) for batch in part_batches_of(run, self._engine)]

    async def unsettled(self, batch: PartBatch) -> int:
        """Count what is neither written nor dead."""
        select = statement("unsettled", listed=self._listed())
        ((count,),) = await self._jobs.read(select, self._values(batch))
        return int(count)

    async def weight(self, batch: PartBatch) -> int:
        """Return what reading the list of parts takes, for each time that a pass does so."""
        select = statement("unsettled", listed=self._listed())
        return LISTED_A_PASS * await self._jobs.weigh(select, self._values(batch))

    def claim(self, batch: PartBatch) -> AbstractAsyncContextManager[None]:
        """Hold a batch, after waiting for a process that was killed: two would write all twice."""
        return self._locks.in_turn(self._of(batch).job, f"run {batch.run_id}")

    async def open(self, batch: PartBatch) -> None:
        """Make the table of what is said; refuse what no model can read."""
        names = self._of(batch)
        await self._keep.create_dataset()
        await self._submitter.prepare(batch.part)
        await self._keep.create_table(asked_ledger(names.asked_name))
        for unreadable, status in self._submitter.images.unreadable():
            refuse = statement(
                "refuse", asked=names.asked, listed=self._listed(), unreadable=unreadable
            )
            await self._jobs.read(refuse, {**self._values(batch), "status": status})
        await self._next_pass(batch)

    async def left(self, batch: PartBatch) -> int:
        """Count what is still to be asked."""
        select = statement(
            "left",
            listed=self._listed(),
            asked=self._of(batch).asked,
            retryable=RETRYABLE,
            run_events=self._names["run_events"],
        )
        ((count,),) = await self._jobs.read(select, self._values(batch))
        return int(count)

    async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
        """Ask about so many parts in one pass; one under way is waited for."""
        names = self._of(batch)
        number = await self._next_pass(batch)
        chosen = statement(
            "choose",
            to_ask=names.to_ask,
            listed=self._listed(),
            asked=names.asked,
            retryable=RETRYABLE,
            parts=str(int(parts)),
            image=self._submitter.images.image,
            objects=self._submitter.images.objects,
        )
        await self._jobs.read(statement("drop", table=names.to_ask), {})  # emulators replace none
        await self._jobs.read(chosen, self._values(batch))
        await self._submitter.ask(self._pass(batch, number))
        return await self.outcome(batch)

    async def outcome(self, batch: PartBatch) -> BatchOutcome:
        """Tell what the last statement brought, and what is not settled of those before it."""
        names, kind = self._of(batch), await self._kind(batch)
        tally = statement("tally", judged=kind.judged(names.asked))
        return _outcome(await self._jobs.read(tally, {"pass": await self._last_pass(names)}))

    async def settle(self, batch: PartBatch) -> None:
        """Write answers, vectors and dead letters, each part once, and mark what is written."""
        names, kind = self._of(batch), await self._kind(batch)
        pieces = {
            **self._names,
            "listed": self._listed(),
            "judged": kind.judged(names.asked),
            "ending": GEMINI.ending,
        }
        values = {**self._values(batch), "worker": self._worker_id}
        written = statement(
            "write_results",
            **pieces,
            ledger=kind.table,
            columns=_columns(kind.ledger),
            result=kind.result,
        )
        await self._jobs.read(written, {**values, **kind.values, "by_asset": batch.by_asset})
        dead = statement("write_dead_letters", **pieces, columns=_columns(DEAD_LETTERS))
        part = orjson.dumps(part_to_json(batch.part)).decode()
        await self._jobs.read(dead, {**values, "part": part})
        settled = statement(
            "settle",
            asked=names.asked,
            written=ALL_WRITTEN.format_map(self._names),
            dead_letters=self._names["dead_letters"],
        )
        await self._jobs.read(settled, {"run": batch.run_id})

    async def discard(self, batch: PartBatch) -> None:
        """Take back what the last pass refused for good."""
        names = self._of(batch)
        text = statement("discard", asked=names.asked, failed=FAILED, retryable=RETRYABLE)
        await self._jobs.read(text, {"pass": await self._last_pass(names)})

    async def close(self, batch: PartBatch) -> None:
        """Remove the table of chosen parts, and what was said of those that are settled."""
        names = self._of(batch)
        await self._submitter.clear(names.job)
        for table in (names.to_ask, names.said):
            await self._jobs.read(statement("drop", table=table), {})
        await self._jobs.read(statement("clear", asked=names.asked), {})

    def _listed(self) -> str:
        return statement(
            "listed",
            work_items=self._names["work_items"],
            settled=ALL_SETTLED.format_map(self._names),
        )

    def _values(self, batch: PartBatch) -> dict[str, Value]:
        return {"run": batch.run_id, "separator": SEPARATOR, "suffix": part_suffix(batch.part)}

    async def _kind(self, batch: PartBatch) -> ResultMapping:
        return await self._mappings.of(batch.part)

    async def _next_pass(self, batch: PartBatch) -> int:
        """Return the number of the next pass, after waiting for one that is under way.

        One that is done and left no rows asked into a table that was dropped since, or had nothing
        to say.
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
            to_ask=names.to_ask,
            asked=names.asked,
            said=names.said,
            listed=self._listed(),
            values=self._values(batch),
        )

    async def _last_pass(self, names: _Names) -> int:
        ((last,),) = await self._jobs.read(statement("last_pass", asked=names.asked), {})
        return int(last)

    def _of(self, batch: PartBatch) -> _Names:
        place = self._keep.place
        what = SEPARATOR.join((place.project, place.dataset, batch.run_id, part_suffix(batch.part)))
        name = hashlib.sha256(what.encode()).hexdigest()[:16]
        return _Names(
            f"asked_{name}",
            place.table(f"asked_{name}"),
            place.table(f"to_ask_{name}"),
            place.table(f"said_{name}"),
            f"sightline-{name}",
        )


def asked_ledger(name: str) -> Ledger:
    """Return the table of what models said, as they said it: it is paid for, and not yet judged.

    Its rows stay when they are settled, without what was said: the next pass takes its number, and
    with it the name of its job, from them.
    """
    return Ledger(
        name,
        "What models said about the parts of one batch",
        (
            Column("part_key", "STRING", "SHA-256 that names the part", required=True),
            Column("pass", "INT64", "The statement that asked, from 1; 0 asked nobody", True),
            Column("status", "STRING", "Empty, or why there is no answer, in BigQuery's words"),
            Column("answer", "STRING", "The text of the answer"),
            Column("response", "STRING", "The whole response, as JSON"),
            Column("vector", "FLOAT64", "The embedding", repeated=True),
            Column("asked_at", "TIMESTAMP", "When", required=True),
            Column("settled", "BOOL", "Whether the ledgers hold what came of it", required=True),
        ),
    )


def _columns(ledger: Ledger) -> str:
    """Return the columns of a ledger, quoted, since a name of one is a keyword."""
    return ", ".join(f"`{name}`" for name in ledger.column_names())


def _outcome(rows: Sequence[Sequence[Any]]) -> BatchOutcome:
    counts = {str(outcome): int(count) for outcome, count, _, _ in rows}
    examples = {str(outcome): str(message or "") for outcome, _, _, message in rows}
    refused = {what: count for what, count in counts.items() if what not in _NOT_REFUSED}
    loudest = max(refused, key=lambda reason: refused[reason], default="retryable")
    return BatchOutcome(
        answered=counts.get("answered", 0),
        retryable=counts.get("retryable", 0),
        refused=refused,
        cost_usd_micros=sum(int(cost or 0) for _, _, cost, _ in rows),
        example=examples.get(loudest, ""),
    )
