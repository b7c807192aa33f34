"""How a search in BigQuery is done: by comparing all that passes the filters, or by an index.

Comparing all is exact, and BigQuery reads every vector of the table for it. An index reads a part
of its lists. It can filter first only by the columns that it stores, not by a join, and what a
narrow filter leaves may lie in lists that are not searched. So an index is used where it is
certain to find enough candidates, and nowhere else. This is policy, and asks nobody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sightline.records import IDENTITY

FEWEST_ROWS = 5_000
"""BigQuery refuses an index of fewer rows."""
FEWEST_BYTES = 10 << 20
"""BigQuery leaves an index of a smaller table empty."""
MOST_LISTS = 5_000
"""What ``num_lists`` may be."""

PROBES = 2.0
"""Lists searched where nothing is filtered, times the square root of how many there are.

So 98 % of the best ten of words and of images are found among rendered scenes and among clustered
vectors, by inverted lists of whole vectors such as BigQuery's; tests hold it to that.
"""
MOST_FRACTION = 0.4
"""Beyond it an index saves little, and comparing all is exact."""
CANDIDATES_PER_HIT = 40
"""Rows that are looked at for each hit, at least."""
FEWEST_FETCHED = 50
"""Rows fetched beyond twice those wanted, since some may be there twice."""

STORED = ("model", *IDENTITY, "written_at")
"""What the index stores: what filters name, what a hit shows, and what tells duplicates apart."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What is known of a table of vectors without reading it; ``bytes`` 0 is unknown."""

    rows: int
    bytes: int

    @property
    def too_small(self) -> str:
        """Return why BigQuery would not index it; empty where it would."""
        if self.rows < FEWEST_ROWS:
            return f"{self.rows:,} rows are fewer than the {FEWEST_ROWS:,} that an index needs"
        if self.bytes < FEWEST_BYTES:
            return f"{self.bytes / (1 << 20):.1f} MB are less than the 10 MB that an index needs"
        return ""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What ``INFORMATION_SCHEMA.VECTOR_INDEXES`` says of an index."""

    name: str
    status: str
    coverage_percent: int
    stored: frozenset[str]
    lists: int | None = None
    disable_reason: str = ""

    @property
    def unusable(self) -> str:
        """Return why a search cannot use it; empty where it can."""
        if self.status not in {"ACTIVE", "PENDING DISABLEMENT"}:
            because = f" ({self.disable_reason})" if self.disable_reason else ""
            return f"the index is {self.status.lower() or 'in no known state'}{because}"
        if self.coverage_percent <= 0:
            return "the index is still being built: it covers 0 %"
        lacking = [name for name in STORED if name not in self.stored]
        if lacking:
            return f"the index does not store {', '.join(lacking)}"
        return ""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked of a search: so many hits, behind filters or a join with answers.

    ``allowed`` rows pass the filters; ``None`` where that was not counted.
    """

    top: int
    filtered: bool = False
    answers: bool = False
    allowed: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is done. ``fetch`` rows are asked of the index, in ``fraction`` of its lists.

    Fewer hits than ``expected`` are too few: then BigQuery filtered after its search, which it does
    without a word where it cannot do it before.
    """

    method: Literal["exact", "index"]
    reason: str
    fetch: int = 0
    fraction: float = 0.0
    expected: int = 0


def worth_a_look(table: TableFacts, request: SearchRequest) -> bool:
    """Return whether it matters what index there is, which costs a statement to ask."""
    return not (table.too_small or request.answers)


def choose(table: TableFacts, index: IndexFacts | None, request: SearchRequest) -> Plan:
    """Return how a search is done, with the reason on one line."""
    why = _cannot_serve(table, index, request)
    if why or index is None:
        return Plan("exact", why)
    allowed = table.rows if request.allowed is None else min(request.allowed, table.rows)
    fetch = 2 * request.top + FEWEST_FETCHED
    needed = max(CANDIDATES_PER_HIT * request.top, fetch)
    share = allowed / table.rows
    # What is left after a filter is further away, in more lists.
    base = fraction_of(index.lists or lists_for(table.rows))
    fraction = max(base / share, needed / allowed) if allowed else math.inf
    if fraction > MOST_FRACTION:
        return Plan(
            "exact",
            f"only {allowed:,} of {table.rows:,} rows pass the filter"
            if request.filtered
            else f"{request.top:,} hits of {table.rows:,} rows are too many for an index",
        )
    rest = "" if index.coverage_percent >= 100 else "; vectors that it lacks are compared as well"
    return Plan(
        "index",
        f"the index {index.name} covers {index.coverage_percent} % of {table.rows:,} rows{rest}",
        fetch,
        round(fraction, 4),
        min(request.top, allowed),
    )


def fraction_of(lists: int) -> float:
    """Return the share of so many lists that is searched where nothing is filtered."""
    return min(1.0, PROBES / math.sqrt(lists))


def lists_for(rows: int) -> int:
    """Return how many lists an index over so many rows has: about the square root.

    So a list holds about as many rows as there are lists, and a share of the lists is that share of
    the rows. faiss' guide asks for more lists, of an engine that reads memory; here a list is read
    from storage.
    """
    return max(1, min(MOST_LISTS, round(math.sqrt(max(rows, 0)))))


def instead_of(plan: Plan) -> Plan:
    """Return the plan after one whose index found too little."""
    return Plan("exact", f"{plan.reason}, and found fewer than {plan.expected:,}")


def _cannot_serve(table: TableFacts, index: IndexFacts | None, request: SearchRequest) -> str:
    """Return why the index cannot serve, whatever it covers; empty where it can."""
    if request.answers:
        return "answers are joined, and an index cannot filter by a join"
    if table.too_small:
        return table.too_small
    if index is None:
        return "there is no index; `sightline index create` makes one"
    if index.unusable:
        return index.unusable
    unknown = request.filtered and request.allowed is None
    return "it is not known how many rows pass the filter" if unknown else ""
