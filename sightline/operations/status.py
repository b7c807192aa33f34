"""The state of every part of every run, the queue's contents, and the spending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sightline.errors import NotFoundError
from sightline.model import Balance, Run
from sightline.ports import (
    Amount,
    Backlog,
    BudgetState,
    Engine,
    Overview,
    RunAccount,
    RunCost,
)

ACCOUNT = ("parts", "written", "dead", "queued", "to_publish", "cancelled", "lost")
"""The parts of a run, by the one state that each is in."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run, the states of its parts, and what it used.

    ``budget`` and ``spent``, which counts against it, are ``None`` if the run has no budget.
    """

    run: Run
    balance: Balance
    cost: RunCost
    budget: BudgetState | None = None
    spent: Amount | None = None

    @property
    def state(self) -> str:
        """``done`` if the run is published and nothing is left to do; else the run's own state."""
        is_done = self.run.state == "published" and self.balance.settled
        return "done" if is_done else self.run.state


@dataclass(frozen=True, slots=True)
class Status:
    """All runs or one, the queue, dead letters by reason, and contradictions in the records."""

    runs: Sequence[RunStatus]
    queue: Backlog
    dead_letters: Mapping[str, int]
    faults: Sequence[str] = ()

    @property
    def balance(self) -> Mapping[str, int]:
        """The parts of all runs together, by state."""
        return {name: sum(getattr(run.balance, name) for run in self.runs) for name in ACCOUNT}

    @property
    def holds(self) -> bool:
        """Whether every run's account balances, without contradictions."""
        return all(run.balance.holds for run in self.runs) and not self.faults


async def status(engine: Engine, run_id: str | None = None, *, check: bool = False) -> Status:
    """Return the balance of every run, or of one.

    With ``check`` the ledgers themselves are read and compared row by row.

    Raises:
        NotFoundError: there is no such run.
        StorageError: a ledger is damaged.
    """
    faults = await engine.consistency.faults(thorough=check)
    return await _read(engine, run_id, faults=faults, from_ledgers=check)


async def look(engine: Engine, run_id: str | None = None) -> Status:
    """Return the same without the search for faults, for callers that poll.

    Raises:
        NotFoundError: there is no such run.
    """
    return await _read(engine, run_id)


async def _read(
    engine: Engine, run_id: str | None, *, faults: Sequence[str] = (), from_ledgers: bool = False
) -> Status:
    queue = await engine.backlog.backlog(run_id)
    budgets = await engine.budgets.states(run_id)
    overview = await (
        engine.runs.overview(from_ledgers=from_ledgers)
        if run_id is None
        else _overview_of(engine, run_id)
    )
    runs = [
        await _run_status(engine, account, budgets.get(account.run.run_id))
        for account in overview.accounts
    ]
    return Status(runs, queue, overview.dead_by_reason, faults)


async def _overview_of(engine: Engine, run_id: str) -> Overview:
    runs = engine.runs
    for run in await runs.runs():
        if run.run_id == run_id:
            account = RunAccount(run, await runs.balance(run_id), await runs.cost(run_id))
            return Overview((account,), await runs.dead_by_reason(run_id))
    raise NotFoundError(f"no run {run_id}; `sightline status` lists them")


async def _run_status(engine: Engine, account: RunAccount, budget: BudgetState | None) -> RunStatus:
    spent = None
    if budget is not None:
        spent = account.spent or await engine.budgets.spent(account.run.run_id)
    return RunStatus(account.run, account.balance, account.cost, budget, spent)
