"""How an amount of money is shown."""

from __future__ import annotations


def usd(micros: float) -> str:
    """Return an amount in US dollars, with as many decimals as it needs."""
    value = micros / 1e6
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4g}"
