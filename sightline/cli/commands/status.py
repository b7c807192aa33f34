"""``sightline status`` and ``evaluate``: where every part is, and how good the answers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, RunId
from sightline.cli.output import print_json, print_table, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.model import Balance, Run
    from sightline.ports import Amount, BudgetState, Overview, RunAccount
    from sightline.settings import Settings
    from sightline.wiring import Engine

EXIT_UNBALANCED = 1


def status(
    context: typer.Context,
    run: RunId = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 unless every run's account balances.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every two seconds, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the balance of every run: each part is in exactly one state.

    Example: sightline status --check --json
    """
    import asyncio

    state: State = context.obj
    state.must_exist()
    settings = state.settings()
    if watch:
        if check:
            raise typer.BadParameter("--check looks once; leave out --watch")
        asyncio.run(_watch(settings, run, as_json=as_json))
        return
    found = asyncio.run(_status(settings, run, check=check))
    holds = all(one["holds"] for one in found["runs"]) and not found["faults"]
    if as_json:
        print_json({"holds": holds, **found})
    else:
        _print(found, settings)
    if check and not holds:
        if not (as_json or found["faults"]):
            lost = next((run["run_id"] for run in found["runs"] if run["lost"]), None)
            remark(
                f"parts of {lost} are lost; `sightline enqueue --reconcile {lost}`"
                if lost
                else "the account does not balance; `sightline --debug status --check --json`"
            )
        raise typer.Exit(EXIT_UNBALANCED)


async def _status(settings: Settings, run_id: str | None, *, check: bool) -> dict[str, Any]:
    from sightline.wiring import open_engine

    async with open_engine(settings) as engine:
        faults = await engine.consistency.faults(thorough=check)
        return await _read(engine, run_id, faults=faults, from_ledgers=check)


async def _watch(settings: Settings, run_id: str | None, *, as_json: bool) -> None:
    from sightline.cli.watching.screen import screen
    from sightline.cli.watching.status_watch import watch_status
    from sightline.wiring import open_engine

    with screen(as_json=as_json) as show:
        async with open_engine(settings) as engine:
            await watch_status(show, lambda: _read(engine, run_id))


async def _read(
    engine: Engine, run_id: str | None, *, faults: Sequence[str] = (), from_ledgers: bool = False
) -> dict[str, Any]:
    backlog = await engine.backlog.backlog(run_id)
    budgets = await engine.budgets.states(run_id)
    found = await (
        engine.runs.overview(from_ledgers=from_ledgers) if run_id is None else _of(engine, run_id)
    )
    return {
        "runs": [
            await _shown(engine, account, budgets.get(account.run.run_id))
            for account in found.accounts
        ],
        "queue": asdict(backlog),
        "dead_letters": dict(found.dead_by_reason),
        "faults": list(faults),
    }


async def _of(engine: Engine, run_id: str) -> Overview:
    """Return what is to be said of one run."""
    from sightline.errors import NotFoundError
    from sightline.ports import Overview, RunAccount

    runs = engine.runs
    for run in await runs.runs():
        if run.run_id == run_id:
            account = RunAccount(run, await runs.balance(run_id), await runs.cost(run_id))
            return Overview((account,), await runs.dead_by_reason(run_id))
    raise NotFoundError(f"no run {run_id}; `sightline status` lists them")


async def _shown(engine: Engine, account: RunAccount, budget: BudgetState | None) -> dict[str, Any]:
    run, balance = account.run, account.balance
    return {
        "run_id": run.run_id,
        "created_at": run.created_at,
        "state": "done" if _done(run, balance) else run.state,
        "messages": run.messages,
        **asdict(balance),
        "holds": balance.holds,
        "settled": balance.settled,
        "cost_usd": account.cost.cost_usd_micros / 1e6,
        "budget": await _budget(engine, run.run_id, budget, account.spent),
    }


async def _budget(
    engine: Engine, run_id: str, state: BudgetState | None, spent: Amount | None
) -> dict[str, Any] | None:
    from sightline.cli.money import budget_json

    if state is None:
        return None
    return budget_json(state, spent or await engine.budgets.spent(run_id))


def _done(run: Run, balance: Balance) -> bool:
    return run.state == "published" and balance.settled


def _print(found: dict[str, Any], settings: Settings) -> None:
    for fault in found["faults"]:
        remark(fault)
    if not found["runs"] and found["faults"]:
        return
    if not found["runs"]:
        say("no runs yet")
        local = settings.adapter("warehouse") == "local"
        first = "`sightline import DIR`" if local else "`sightline doctor`"
        remark(f"next: {first}, then `sightline enqueue`")
        return
    columns = ("run_id", "state", "parts", "written", "dead", "queued", "to_publish", "cancelled",
               "lost", "awaiting_ack", "holds")  # fmt: skip
    print_table(
        "",
        [name.replace("_", " ") for name in columns],
        [[run[name] for name in columns] for run in found["runs"]],
    )
    _print_budgets(found["runs"])
    queue = found["queue"]
    if queue["ready"] is None:
        say("\nqueue: Pub/Sub does not tell what it holds; `queued` is what is not settled")
    else:
        say(f"\nqueue: {queue['ready']:,} ready, {queue['leased'] or 0:,} leased")
    for reason, count in sorted(found["dead_letters"].items()):
        say(f"dead letters, {reason}: {count:,}")


async def _current_answers(settings: Any) -> Any:
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        return await warehouse.upkeep.current_answers()


def _print_budgets(runs: Sequence[dict[str, Any]]) -> None:
    """Print what the runs with a budget may cost, and have cost."""
    limited = [(run["run_id"], run["budget"]) for run in runs if run["budget"]]
    goes_on = {run["run_id"] for run in runs if run["state"] != "cancelled"}
    if not limited:
        return
    columns = ("max_cost_usd", "spent_usd", "reserved_usd", "max_images", "spent_images",
               "reserved_images", "reached")  # fmt: skip
    say()
    print_table(
        "",
        ("budget of run", *(name.replace("_", " ") for name in columns)),
        [(run_id, *(budget[name] for name in columns)) for run_id, budget in limited],
        digits=4,
    )
    for run_id, budget in limited:
        if budget["reached"] and run_id in goes_on:
            remark(f"the budget of {run_id} is reached; `sightline budget {run_id}`")


def evaluate(
    context: typer.Context,
    truth: Annotated[Path, typer.Argument(help="A ground_truth.jsonl.")],
    as_json: AsJson = False,
) -> None:
    """Compare the current answers with ground truth: accuracy a field, beside the majority class.

    Each line of the file holds observation_id, task and truth (an object). A field whose truth is
    null is not counted for that subject.
    """
    import asyncio

    from sightline.errors import NotFoundError
    from sightline.evaluation import read_truth, score
    from sightline.wiring import known_tasks

    state: State = context.obj
    settings = state.settings()
    known = list(read_truth(truth, known_tasks(settings)))
    if not any(values for _, _, values in known):
        raise NotFoundError(f"{truth} holds no truth; give a ground_truth.jsonl that does")
    scores = score(known, asyncio.run(_current_answers(settings)))
    if as_json:
        print_json([asdict(one) for one in scores])
        return
    print_table(
        "",
        ("task", "field", "subjects", "answered", "accuracy", "majority"),
        [
            (one.task, one.field, one.subjects, one.answered, one.accuracy, one.majority)
            for one in scores
        ],
    )
