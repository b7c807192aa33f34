"""Converts whole columns of raw values to texts and numbers; value by value if one is faulty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.importing import values
from sightline.local.importing.values import Numbers


def decoded(column: Any, refuse: Callable[[int, str], None]) -> Any:
    """Return a column of bytes (a CSV's) or of scalar values as text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if isinstance(column, pa.ExtensionArray):
        column = _without_extension(column)
    try:
        texts = column.cast(pa.string())
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return one_by_one(column.cast(pa.binary()), pa.string(), values.utf8, refuse)
    except pa.ArrowNotImplementedError:
        return one_by_one(column, pa.string(), _no_text, refuse)
    return texts


def _without_extension(column: Any) -> Any:
    """Return UUIDs as text, and other extension types as what they are stored as."""
    if isinstance(column.type, pa.UuidType):
        texts = (None if uuid is None else str(uuid) for uuid in column.to_pylist())
        return pa.array(texts, pa.string())
    return column.storage


def _no_text(value: object) -> str:
    raise values.FaultError(f"{value!r:.40} is not a text")


def numbers_of(
    column: Any, numbers: Numbers, refuse: Callable[[int, str], None], *, nan: bool = False
) -> Any:
    """Return a column as float64; with ``nan``, NaN becomes null in typed columns."""
    texts = column
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        texts = decoded(column, refuse)
        texts = pc.utf8_trim_whitespace(texts)
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    elif nan:
        floats = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(floats), pa.scalar(None, pa.float64()), floats)
    try:
        floats = numbers.pointed(texts).cast(pa.float64())
        if pc.all(pc.is_finite(floats)).as_py() is not False:
            return floats
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass  # at least one value is not a number: found below
    return one_by_one(texts, pa.float64(), numbers.number, refuse)


def one_by_one(
    column: Any,
    kind: Any,
    convert: Callable[[Any], object],
    refuse: Callable[[int, str], None],
) -> Any:
    """Convert value by value, so that a fault loses only its row."""
    converted: list[object] = []
    for index, value in enumerate(column.to_pylist()):
        try:
            converted.append(None if value is None else convert(value))
        except values.FaultError as fault:
            refuse(index, str(fault))
            converted.append(None)
    return pa.array(converted, kind)


def true_indices(mask: Any) -> Sequence[int]:
    indices: list[int] = pc.indices_nonzero(mask).to_pylist()
    return indices
