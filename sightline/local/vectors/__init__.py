"""Nearest neighbours by cosine over one model's vectors: exact while few, approximate above."""

from sightline.local.vectors.approximate import FaissIndex
from sightline.local.vectors.build import EXACT_UP_TO, build_index
from sightline.local.vectors.exact import ExactIndex
from sightline.local.vectors.index import NO_ROW, Found, VectorIndex

__all__ = [
    "EXACT_UP_TO",
    "NO_ROW",
    "ExactIndex",
    "FaissIndex",
    "Found",
    "VectorIndex",
    "build_index",
]
