"""What ``sightline status`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sightline.cli.output import print_table, remark, say
from sightline.cli.views.budget import budget_json
from sightline.cli.views.next_step import import_step
from sightline.operations.status import RunStatus, Status
from sightline.settings import Settings


def status_json(result: Status) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {"holds": result.holds, **look_json(result)}


def look_json(result: Status) -> dict[str, object]:
    """Return the same without the conclusion, for ``--watch``."""
    return {
        "runs": [_run_json(run) for run in result.runs],
        "queue": asdict(result.queue),
        "dead_letters": dict(result.dead_letters),
        "faults": list(result.faults),
    }


def _run_json(status: RunStatus) -> dict[str, object]:
    return {
        "run_id": status.run.run_id,
        "created_at": status.run.created_at,
        "state": status.state,
        "messages": status.run.messages,
        **asdict(status.balance),
        "holds": status.balance.holds,
        "settled": status.balance.settled,
        "cost_usd": status.cost.cost_usd_micros / 1e6,
        "budget": _budget_json(status),
    }


def _budget_json(status: RunStatus) -> dict[str, object] | None:
    if status.budget is None or status.spent is None:
        return None
    return budget_json(status.budget, status.spent)


def print_status(result: Status, settings: Settings) -> None:
    """Print the states of each run's parts, budgets, the queue and dead letters."""
    for fault in result.faults:
        remark(fault)
    if not result.runs and result.faults:
        return
    if not result.runs:
        say("no runs yet")
        remark(f"next: `sightline {import_step(settings)}`, then `sightline enqueue`")
        return
    columns = ("run_id", "state", "parts", "written", "dead", "queued", "to_publish", "cancelled",
               "lost", "awaiting_ack", "holds")  # fmt: skip
    documents = [_run_json(run) for run in result.runs]
    print_table(
        "",
        [name.replace("_", " ") for name in columns],
        [[document[name] for name in columns] for document in documents],
    )
    _print_budgets(result.runs)
    queue = result.queue
    if queue.ready is None:
        say("\nqueue: Pub/Sub does not report its backlog; `queued` counts what is not settled")
    else:
        say(f"\nqueue: {queue.ready:,} ready, {queue.leased or 0:,} leased")
    for reason, count in sorted(result.dead_letters.items()):
        say(f"dead letters, {reason}: {count:,}")


def remark_unbalanced(result: Status) -> None:
    """Print what to do about accounts that do not balance; other faults contain it."""
    if result.faults:
        return
    run_id = next((status.run.run_id for status in result.runs if status.balance.lost), None)
    remark(
        f"parts of {run_id} are lost; `sightline enqueue --reconcile {run_id}`"
        if run_id
        else "the account does not balance; `sightline --debug status --check --json`"
    )


def _print_budgets(runs: Sequence[RunStatus]) -> None:
    """Print the limits and the spending of the runs with a budget."""
    budgets = [(status, budget) for status in runs if (budget := _budget_json(status))]
    if not budgets:
        return
    columns = ("max_cost_usd", "spent_usd", "reserved_usd", "max_images", "spent_images",
               "reserved_images", "reached")  # fmt: skip
    say()
    print_table(
        "",
        ("budget of run", *(name.replace("_", " ") for name in columns)),
        [(status.run.run_id, *(budget[name] for name in columns)) for status, budget in budgets],
        digits=4,
    )
    for status, budget in budgets:
        if budget["reached"] and status.state != "cancelled":
            run_id = status.run.run_id
            remark(f"the budget of {run_id} is reached; `sightline budget {run_id}`")
