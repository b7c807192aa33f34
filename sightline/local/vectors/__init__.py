"""Nearest neighbours by cosine among one model's vectors: exact for few, approximate for many."""

from sightline.local.vectors.approximate import FaissIndex
from sightline.local.vectors.build import IndexFile, build_index, fit_of, make_index
from sightline.local.vectors.choice import EXACT_UP_TO, SMALLEST, lists_for, look_up
from sightline.local.vectors.exact import ExactIndex
from sightline.local.vectors.index import NO_ROW, Found, VectorIndex
from sightline.local.vectors.saved import (
    SUFFIX,
    DamagedIndexError,
    SavedIndex,
    drop_index,
    load_index,
)

__all__ = [
    "EXACT_UP_TO",
    "NO_ROW",
    "SMALLEST",
    "SUFFIX",
    "DamagedIndexError",
    "ExactIndex",
    "FaissIndex",
    "Found",
    "IndexFile",
    "SavedIndex",
    "VectorIndex",
    "build_index",
    "drop_index",
    "fit_of",
    "lists_for",
    "load_index",
    "look_up",
    "make_index",
]
