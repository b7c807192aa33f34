"""Bins of numbers as texts, such as ``0.2..0.4``: they are chosen and read without any state."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

MOST_BINS = 12

_BIN = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\.\.(-?[0-9]+(?:\.[0-9]+)?)")


def edges(low: float, high: float, *, whole: bool) -> Sequence[Decimal]:
    """Return the edges of at most ``MOST_BINS`` bins from ``low`` to beyond ``high``.

    Steps are 1, 2 or 5 times a power of ten; bins of whole numbers are never narrower than 1.
    """
    first, last = Decimal(repr(float(low))), Decimal(repr(float(high)))
    step = _step(last - first)
    if whole:
        step = max(step, Decimal(1))
    while (count := _bins(first, last, step)) > MOST_BINS:
        step = _next(step)
    start = (first / step).to_integral_value("ROUND_FLOOR") * step
    return [start + step * number for number in range(count + 1)]


def text(low: Decimal, high: Decimal) -> str:
    """Return the name of a bin."""
    return f"{_plain(low)}..{_plain(high)}"


def read(name: str) -> tuple[Decimal, Decimal] | None:
    """Return the bounds in the name of a bin; ``None`` if it is none."""
    match = _BIN.fullmatch(name)
    return None if match is None else (Decimal(match[1]), Decimal(match[2]))


def _step(width: Decimal) -> Decimal:
    if width <= 0:
        return Decimal(1)
    power = math.floor(math.log10(width)) - 1
    return Decimal(1).scaleb(power)


def _next(step: Decimal) -> Decimal:
    """Return the next of 1, 2, 5, 10, 20, 50 and so on."""
    return step * Decimal("2.5") if step.as_tuple().digits[0] == 2 else step * 2


def _bins(first: Decimal, last: Decimal, step: Decimal) -> int:
    start = (first / step).to_integral_value("ROUND_FLOOR")
    return int((last / step).to_integral_value("ROUND_FLOOR") - start) + 1


def _plain(number: Decimal) -> str:
    plain = f"{number:f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"
