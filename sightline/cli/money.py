"""How money and budgets are said."""

from __future__ import annotations

from sightline.ports import Limits


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
