"""Labels of groups of counted answers: a value, a bin of numbers, a cell of the map."""

from __future__ import annotations

from decimal import Decimal

from sightline.model import asset_name
from sightline.ports import Dimension, GroupKey

NOT_KNOWN = "(not known)"

KeyValue = str | float | list[float] | None
"""A text, a number, ``[from, to]`` of a bin, ``[west, south, east, north]`` of a cell in degrees;
``None`` where it is not known."""


def key_value(dimension: Dimension, key: GroupKey) -> KeyValue:
    """Return a key's value."""
    if isinstance(key, tuple):
        return [float(edge) for edge in _cell(key, dimension.step or 1.0)]
    if key is None or isinstance(key, str):
        return key
    if dimension.step is not None:
        return [float(edge) for edge in _edges(int(key), dimension.step)]
    return int(key) if float(key).is_integer() else key


def key_text(dimension: Dimension, key: GroupKey) -> str:
    """Return a key as shown in a table; a cell in the form of ``--box``."""
    if key is None:
        return NOT_KNOWN
    if isinstance(key, tuple):
        return ",".join(f"{edge:f}" for edge in _cell(key, dimension.step or 1.0))
    if isinstance(key, str):
        is_type = dimension.kind == "asset_type"
        return asset_name(key) if is_type else key
    if dimension.step is not None:
        return " to ".join(f"{edge:f}" for edge in _edges(int(key), dimension.step))
    return str(key_value(dimension, key))


def _edges(number: int, step: float) -> tuple[Decimal, Decimal]:
    """Return the bounds of a bin, without binary rounding errors."""
    width = Decimal(repr(step))
    return width * number, width * (number + 1)


def _cell(key: tuple[int, int], step: float) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    south, north = _edges(key[0], step)
    west, east = _edges(key[1], step)
    return (
        max(west, Decimal(-180)),
        max(south, Decimal(-90)),
        min(east, Decimal(180)),
        min(north, Decimal(90)),
    )
