"""How money and budgets are said."""

from __future__ import annotations

from typing import Any

from sightline.ports import Amount, BudgetState, Limits


def usd(micros: float) -> str:
    """Return an amount in US dollars, with as many decimals as it needs."""
    value = micros / 1e6
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4g}"


def limits_text(limits: Limits) -> str:
    """Return the limits in words."""
    said = []
    if limits.cost_usd_micros is not None:
        said.append(usd(limits.cost_usd_micros))
    if limits.images is not None:
        said.append(f"{limits.images:,} images")
    return " and ".join(said) or "no limit"


def budget_json(state: BudgetState | None, spent: Amount) -> dict[str, Any] | None:
    """Return a budget as JSON holds it; ``None`` of a run without one."""
    if state is None:
        return None
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
