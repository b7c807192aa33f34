"""Chooses how BigQuery runs a search: comparing all vectors that pass the filters, or by an index.

Comparing all vectors is exact, and BigQuery reads every vector of the table for it. An index search
reads a share of the index's lists. It can filter first only by the columns that the index stores,
not by a join, and the matches of a narrow filter may be in lists that are not searched. An index is
therefore used only if it is certain to return enough candidates. Pure: sends no request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sightline.records import IDENTITY

MIN_ROWS = 5_000
"""BigQuery refuses an index of fewer rows."""
MIN_BYTES = 10 << 20
"""BigQuery does not fill the index of a smaller table."""
MAX_LISTS = 5_000
"""The limit of ``num_lists``."""

PROBES = 2.0
"""The number of lists searched without a filter, divided by the square root of the list count.

With this value, inverted lists of whole vectors, such as BigQuery's, return 98 % of the best ten
hits for texts and images among rendered scenes and among clustered vectors; tests check this.
"""
MAX_FRACTION = 0.4
"""Above this share of the lists, an index saves little, and comparing all is exact."""
CANDIDATES_PER_HIT = 40
"""The least number of rows examined for each hit."""
EXTRA_ROWS = 50
"""The rows fetched beyond twice the requested number, since some may be duplicates."""

STORED = ("model", *IDENTITY, "written_at")
"""The columns that the index stores: those of filters and hits, and one to order duplicates."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The size of a table of vectors, known without reading it; ``bytes`` 0 means unknown."""

    rows: int
    bytes: int

    @property
    def too_small(self) -> str:
        """The reason why BigQuery would not index the table; empty if it would."""
        if self.rows < MIN_ROWS:
            return f"{self.rows:,} rows are fewer than the {MIN_ROWS:,} that an index needs"
        if self.bytes < MIN_BYTES:
            return f"{self.bytes / (1 << 20):.1f} MB are less than the 10 MB that an index needs"
        return ""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The state of an index according to ``INFORMATION_SCHEMA.VECTOR_INDEXES``."""

    name: str
    status: str
    coverage_percent: int
    stored: frozenset[str]
    lists: int | None = None
    disable_reason: str = ""

    @property
    def unusable(self) -> str:
        """The reason why a search cannot use the index; empty if it can."""
        if self.status not in {"ACTIVE", "PENDING DISABLEMENT"}:
            because = f" ({self.disable_reason})" if self.disable_reason else ""
            return f"the index is {self.status.lower() or 'in an unknown state'}{because}"
        if self.coverage_percent <= 0:
            return "the index is still being built: it covers 0 %"
        lacking = [name for name in STORED if name not in self.stored]
        if lacking:
            return f"the index does not store {', '.join(lacking)}"
        return ""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """The number of hits requested, and whether filters or a join with answers apply.

    ``allowed`` is the number of rows that pass the filters; ``None`` if they were not counted.
    """

    top: int
    filtered: bool = False
    answers: bool = False
    allowed: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search runs: ``fetch`` rows are requested from a ``fraction`` of the index's lists.

    With fewer hits than ``expected``, BigQuery filtered after its search, which it does silently
    if it cannot filter first.
    """

    method: Literal["exact", "index"]
    reason: str
    fetch: int = 0
    fraction: float = 0.0
    expected: int = 0


def index_matters(table: TableFacts, request: SearchRequest) -> bool:
    """Return whether an index could serve the request; reading the index costs a statement."""
    return not (table.too_small or request.answers)


def choose(table: TableFacts, index: IndexFacts | None, request: SearchRequest) -> Plan:
    """Return the plan of a search, with its reason on one line."""
    why = _cannot_serve(table, index, request)
    if why or index is None:
        return Plan("exact", why)
    allowed = table.rows if request.allowed is None else min(request.allowed, table.rows)
    fetch = 2 * request.top + EXTRA_ROWS
    needed = max(CANDIDATES_PER_HIT * request.top, fetch)
    share = allowed / table.rows
    # The rows that pass a filter are further from the query, spread over more lists.
    base = fraction_of(index.lists or lists_for(table.rows))
    fraction = max(base / share, needed / allowed) if allowed else math.inf
    if fraction > MAX_FRACTION:
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
    """Return the share of the lists that is searched without a filter."""
    return min(1.0, PROBES / math.sqrt(lists))


def lists_for(rows: int) -> int:
    """Return the number of lists of an index over ``rows`` rows: about the square root.

    A list then has about as many rows as there are lists, and a share of the lists is the same
    share of the rows. The Faiss guide recommends more lists, for an engine that reads memory;
    BigQuery reads lists from storage.
    """
    return max(1, min(MAX_LISTS, round(math.sqrt(max(rows, 0)))))


def exact_instead(plan: Plan) -> Plan:
    """Return the exact plan that replaces one whose index returned too few hits."""
    return Plan("exact", f"{plan.reason}, and found fewer than {plan.expected:,}")


def _cannot_serve(table: TableFacts, index: IndexFacts | None, request: SearchRequest) -> str:
    """Return why the index cannot serve, whatever it covers; empty if it can."""
    if request.answers:
        return "answers are joined, and an index cannot filter by a join"
    if table.too_small:
        return table.too_small
    if index is None:
        return "there is no index; `sightline index create` creates one"
    if index.unusable:
        return index.unusable
    unknown = request.filtered and request.allowed is None
    return "it is not known how many rows pass the filter" if unknown else ""
