"""What ``sightline budget`` shows, and the budget of a run in other documents."""

from __future__ import annotations

from sightline.cli.output import print_table, remark, say
from sightline.operations.budgets import RunBudget
from sightline.ports import Amount, BudgetState, UnspentReservation


def budget_json(state: BudgetState, spent: Amount) -> dict[str, object]:
    """Return a budget as plain values."""
    cost = state.limits.cost_usd_micros
    return {
        "max_cost_usd": None if cost is None else cost / 1e6,
        "max_images": state.limits.images,
        "spent_usd": spent.cost_usd_micros / 1e6,
        "spent_images": spent.images,
        "reserved_usd": state.reserved.cost_usd_micros / 1e6,
        "reserved_images": state.reserved.images,
        "reached": state.reached,
    }


def run_budget_json(result: RunBudget) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "run_id": result.run_id,
        "budget": None if result.state is None else budget_json(result.state, result.spent),
        "spent_usd": result.spent.cost_usd_micros / 1e6,
        "spent_images": result.spent.images,
        "released_usd": result.released.cost_usd_micros / 1e6,
        "released_images": result.released.images,
        "messages_hastened": result.messages_hastened,
        "held": [_reservation_json(reservation) for reservation in result.held],
    }


def _reservation_json(reservation: UnspentReservation) -> dict[str, object]:
    return {
        "worker_id": reservation.worker_id,
        "unspent_usd": reservation.unspent.cost_usd_micros / 1e6,
        "unspent_images": reservation.unspent.images,
        "last_heard_at": reservation.last_at,
    }


def print_run_budget(result: RunBudget) -> None:
    """Print the limits, the spending, and what workers have reserved."""
    run_id, state, spent = result.run_id, result.state, result.spent
    if state is None:
        say(f"run {run_id} has no budget; it has cost ${spent.cost_usd_micros / 1e6:,.4f} so far")
        remark(f"next: `sightline budget {run_id} --max-cost 20` sets one")
        return
    budget = budget_json(state, spent)
    print_table(
        "",
        ("run " + run_id, "US dollars", "images"),
        [
            ("budget", budget["max_cost_usd"], budget["max_images"]),
            ("spent", budget["spent_usd"], budget["spent_images"]),
            ("reserved, including spent", budget["reserved_usd"], budget["reserved_images"]),
        ],
        digits=4,
    )
    for reservation in result.held:
        say(
            f"{reservation.worker_id} has {_amount(reservation.unspent)} reserved,"
            f" last active at {reservation.last_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    if result.released:
        say(f"released: {_amount(result.released)}")
    if result.messages_hastened:
        say(f"{result.messages_hastened:,} postponed messages are delivered now")
    if state.reached:
        remark(
            f"the budget is reached: raise it with --max-cost or --max-images, or"
            f" `sightline cancel {run_id}`"
        )
    else:
        remark("next: `sightline work`")


def _amount(amount: Amount) -> str:
    return f"${amount.cost_usd_micros / 1e6:,.4f} and {amount.images:,} images"
