"""The budget of a run: what it may cost, what is spent, and what workers have reserved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from producer.run_budget_editor import RunBudgetEditor
from sightline.errors import NotFoundError
from sightline.ports import Amount, BudgetState, Engine, Limits, UnspentReservation, Warehouse
from sightline.wiring.ids import new_id, utc_now


@dataclass(frozen=True, slots=True)
class RunBudget:
    """The budget of a run; ``state`` is ``None`` if it has none.

    ``held`` is what each worker has reserved and not spent. ``released`` reservations were returned
    to the budget, and ``messages_hastened`` deferred messages became due.
    """

    run_id: str
    state: BudgetState | None
    spent: Amount
    held: Sequence[UnspentReservation]
    released: Amount
    messages_hastened: int


async def run_budget(warehouse: Warehouse, run_id: str) -> RunBudget:
    """Return the budget of a run.

    Raises:
        NotFoundError: there is no such run.
    """
    await _check_run(warehouse, run_id)
    return await _read(warehouse, run_id, Amount(), 0)


async def change_budget(
    engine: Engine, run_id: str, limits: Limits | None = None, *, release: bool = False
) -> RunBudget:
    """Replace the limits of a run, and make its deferred messages due now.

    A limit that is not given stays as it is. ``release`` returns the reservations of killed
    workers; no worker may be processing the run.

    Raises:
        NotFoundError: there is no such run.
    """
    await _check_run(engine, run_id)
    budget_editor = RunBudgetEditor(engine.budgets, now=utc_now, new_id=new_id)
    released = await budget_editor.release(run_id) if release else Amount()
    if limits:
        await budget_editor.change(run_id, limits)
    hastened = await engine.backlog.make_due(run_id)
    return await _read(engine, run_id, released, hastened)


async def _check_run(warehouse: Warehouse, run_id: str) -> None:
    if all(run.run_id != run_id for run in await warehouse.runs.runs()):
        raise NotFoundError(f"no run {run_id}; `sightline status` lists them")


async def _read(warehouse: Warehouse, run_id: str, released: Amount, hastened: int) -> RunBudget:
    budgets = warehouse.budgets
    spent = await budgets.spent(run_id)
    state = (await budgets.states(run_id)).get(run_id)
    return RunBudget(
        run_id, state, spent, await budgets.unspent_reservations(run_id), released, hastened
    )
