"""Whether an index is asked, for how many candidates, and in how many of its lists."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALLEST = 512
"""Fewer vectors cannot train the codes."""
EXACT_UP_TO = 200_000
"""Up to here an exact search takes some 10 to 30 ms (512 dimensions, 2 cores), and no index is made
unless somebody asks for it."""
EXACT_ALLOWED = 20_000
"""With no more allowed rows than this, looking at each of them is as fast, and exact."""

CANDIDATES = 30
"""Candidates ranked for each row asked for; at least ``FEWEST_CANDIDATES``."""
FEWEST_CANDIDATES = 300
PROBES = 3.0
"""Lists searched, times the square root of how many there are. So words find 99.7 % of their best
ten among 4,000 rendered scenes; images, which are nearer to each other than words to them, all."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """So many candidates are looked up in so many lists; all others are never looked at."""

    candidates: int
    probes: int


def look_up(rows: int, allowed: int, top: int, lists: int) -> LookUp | None:
    """Return how an index over ``rows`` is asked, or ``None``: compare the allowed rows."""
    candidates = max(FEWEST_CANDIDATES, top * CANDIDATES)
    if candidates >= allowed or (allowed < rows and allowed <= EXACT_ALLOWED):
        return None
    # What is left after a filter is further away, in more lists.
    probes = math.ceil(PROBES * math.sqrt(lists) * rows / allowed)
    return LookUp(candidates, max(1, min(lists, probes)))


def lists_for(rows: int) -> int:
    """Return how many lists an index over so many vectors has.

    About ``4 * sqrt(rows)``, a power of two, as the faiss guidelines suggest
    (github.com/facebookresearch/faiss/wiki/Guidelines-to-choose-an-index), and 32 vectors a list.
    """
    lists: int = 2 ** max(0, round(math.log2(4 * rows**0.5)))
    return max(1, min(lists, rows // 32))
