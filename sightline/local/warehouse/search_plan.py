"""Explains how a search of the local warehouse would be executed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sightline.local.vectors import (
    SMALLEST,
    DamagedIndexError,
    SavedIndex,
    fit_of,
    lists_for,
    load_index,
    look_up,
)
from sightline.ports import SearchPlan

Parts = npt.NDArray[np.uint64]


def explained(path: Path, parts: Parts, allowed: int, top: int, *, exact_up_to: int) -> SearchPlan:
    """Return how the best ``top`` of the allowed rows are found; ``parts`` has one per row."""
    rows = len(parts)
    lists, why = _index(path, parts, exact_up_to)
    if lists is None:
        return SearchPlan("exact", why, rows, allowed, allowed)
    how = look_up(rows, allowed, top, lists)
    if how is None:
        few = f"{allowed:,} rows are compared sooner than looked up"
        return SearchPlan("exact", few, rows, allowed, allowed, lists=lists, probes=0)
    scanned = max(how.candidates, allowed * how.probes // lists)
    return SearchPlan("index", why, rows, allowed, scanned, lists=lists, probes=how.probes)


def _index(path: Path, parts: Parts, exact_up_to: int) -> tuple[int | None, str]:
    """Return the number of lists of a usable index, or ``None``, with the reason."""
    rows = len(parts)
    saved: SavedIndex | None = None
    damaged = ""
    try:
        saved = load_index(path)
    except DamagedIndexError as error:
        damaged = f"{path.name} is damaged ({error}), and "
    if rows < SMALLEST:
        return None, f"{rows:,} rows are compared within milliseconds"
    if saved is not None:
        covered = saved.covered(parts)
        fit = fit_of(rows, len(saved.parts), covered)
        if fit != "no":
            rest = "" if fit == "whole" else "; vectors that it lacks are compared as well"
            return saved.lists, f"the stored index covers {covered:,} of {rows:,} rows{rest}"
        damaged = f"{path.name} does not fit the vectors, and "
    if rows <= exact_up_to:
        return None, f"{damaged}up to {exact_up_to:,} rows are compared, unless an index is made"
    return lists_for(rows), f"{damaged}the first search of {rows:,} rows makes an index"
