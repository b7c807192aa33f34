"""Formats durations, rates, money, shares and small curves for quick reading."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
NOTHING = "-"


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: ``2 h 05 min``, ``4 min 10 s``, ``9 s``."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24:02} h"


def rate(per_s: float | None) -> str:
    """Return a rate with as many decimals as are significant."""
    if per_s is None:
        return NOTHING
    return f"{per_s:,.0f}/s" if per_s >= 100 else f"{per_s:.1f}/s"


def share(part: float | None) -> str:
    """Return a share in percent."""
    return NOTHING if part is None else f"{100 * part:.1f} %"


def usd(dollars: float | None) -> str:
    """Return an amount of money; a small one with its fractions of a cent."""
    if dollars is None:
        return NOTHING
    return f"${dollars:,.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def sparkline(values: Sequence[float]) -> str:
    """Return a curve of blocks from zero to the highest of the values, one character each."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return LEVELS[0] * len(values)
    top = len(LEVELS) - 1
    return "".join(LEVELS[round(top * max(0.0, value) / highest)] for value in values)
