"""Estimates, publishes and processes the runs of a project."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from producer.estimate import Estimate
from producer.run_budget_editor import read_limits
from sightline.errors import SightlineError
from sightline.operations import dead_letters as dead_letters_operation
from sightline.operations import enqueue as enqueue_operation
from sightline.operations import estimate as estimate_operation
from sightline.operations import status as status_operation
from sightline.operations import work as work_operation
from sightline.operations.requests import TaskRequest, task_request
from sightline.operations.status import Status
from sightline.ports import DeadLetterRow
from sightline.wiring.engine import engine_of_runs
from sightline.wiring.ids import new_worker_id
from sightline.work_lists import BY_WORKERS
from sightline.workspace.filters import Where, filter_of, several
from sightline.workspace.project import Project
from sightline.workspace.runs import Run, WorkSummary
from worker.batches.batch_worker import BatchWorkSummary
from worker.main import Summary as WorkerSummary
from worker.progress import Progress as WorkerProgress
from worker.stopping.signals import StopRequest


class RunMethods(Project):
    """Runs, from estimates to the replay of dead letters."""

    async def estimate(
        self,
        tasks: str | Sequence[str] = (),
        *,
        embed: bool = True,
        embed_only: bool = False,
        limit: int | None = None,
        **where: Unpack[Where],
    ) -> Estimate:
        """Return what a run would do and cost; nothing is written or paid for."""
        request = self._request(tasks, embed=embed, embed_only=embed_only, limit=limit, where=where)
        return await estimate_operation.estimate(await self._reading(), request)

    async def enqueue(
        self,
        tasks: str | Sequence[str] = (),
        *,
        embed: bool = True,
        embed_only: bool = False,
        limit: int | None = None,
        max_cost_usd: float | None = None,
        max_images: int | None = None,
        **where: Unpack[Where],
    ) -> Run:
        """Publish the parts without a result: answers to tasks (all), and with ``embed`` vectors.

        With ``embed_only``, no task is asked. ``max_cost_usd`` and ``max_images`` are the run's
        budget.
        """
        request = self._request(tasks, embed=embed, embed_only=embed_only, limit=limit, where=where)
        cost = await estimate_operation.estimate(await self._reading(), request)
        run = await enqueue_operation.enqueue(
            await self._engine.get(),
            request,
            limits=read_limits(max_cost_usd, max_images),
            progress=self._progress,
        )
        return Run(
            run.run_id,
            run.messages,
            run.parts,
            cost.cost_usd_micros / 1e6 if run.run_id else 0.0,
            run.nothing_to_do,
            run.unmatched,
        )

    async def work(self) -> WorkSummary:
        """Process the queue, in this process, until it is empty; return what was done.

        If it is cancelled, unfinished messages return to the queue. On an engine without workers
        (``bigquery``, ``batch``) statements or batch jobs call the models, which may take hours; if
        this call is cancelled, the next one continues with those in progress.

        Raises:
            BudgetError: the budget of a run is reached; the rest of it is not done.
        """
        self._must_exist()
        if engine_of_runs(self.settings) == BY_WORKERS:
            worker = await self._work()
            return _summary(worker.progress, worker.over_budget)
        # Google's libraries, which other engines do not need
        from sightline.operations.batches import work_batches  # noqa: PLC0415

        batches = await work_batches(
            self.settings, worker_id=new_worker_id(), progress=self._progress
        )
        return _summary(batches.done, batches.error)

    async def _work(self) -> WorkerSummary:
        stopping = StopRequest()
        working = asyncio.ensure_future(
            work_operation.work(
                self.settings,
                worker_id=new_worker_id(),
                drain=True,
                progress=self._progress,
                stopping=stopping,
            )
        )
        try:
            return (await asyncio.shield(working)).summary
        except asyncio.CancelledError:
            stopping.request()
            await (
                working
            )  # calls in flight end within the grace period; the other messages are returned
            raise

    async def status(self, run_id: str | None = None, *, check: bool = False) -> Status:
        """Return the state of every part of every run, or of one; ``check`` reads every ledger."""
        self._must_exist()
        return await status_operation.status(await self._engine.get(), run_id, check=check)

    async def dead_letters(
        self, reason: str | None = None, run_id: str | None = None, *, limit: int = 50
    ) -> Sequence[DeadLetterRow]:
        """Return the first dead letters, oldest first."""
        which = dead_letters_operation.dead_letter_filter(reason, run_id)
        warehouse = await self._reading()
        return (await dead_letters_operation.list_dead_letters(warehouse, which, limit=limit)).rows

    async def replay(self, reason: str | None = None, run_id: str | None = None) -> int:
        """Publish dead letters again, each with only its failed part; return how many."""
        self._must_exist()
        which = dead_letters_operation.dead_letter_filter(reason, run_id)
        replay = await dead_letters_operation.replay(await self._engine.get(), which)
        return replay.replayed

    def _request(
        self,
        tasks: str | Sequence[str],
        *,
        embed: bool,
        embed_only: bool,
        limit: int | None,
        where: Where,
    ) -> TaskRequest:
        which = replace(filter_of(**where), limit=limit)
        return task_request(
            self.settings,
            which,
            tasks=several(tasks),
            embed=embed,
            embed_only=embed_only,
            command="python",
        )


def _summary(done: WorkerProgress | BatchWorkSummary, error: SightlineError | None) -> WorkSummary:
    if error is not None:
        raise error
    cost_usd = done.cost_usd_micros / 1e6
    return WorkSummary(done.answers, done.embeddings, dict(done.dead), cost_usd)
