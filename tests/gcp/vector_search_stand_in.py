"""``VECTOR_SEARCH`` for an emulator that lacks it: the call alone is replaced.

The base query, the query vector and ``top_k`` are taken from the call itself, so that filters and
values run as they are written; the rest of the statement is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.search_plan import STORED, IndexFacts, TableFacts

NAME = "VECTOR_SEARCH"


def call_of(statement: str) -> tuple[int, int, list[str]]:
    """Return where the call begins and ends, and its arguments as they are written."""
    start = statement.index(f"{NAME}(")
    depth, at, arguments, begun = 0, start + len(NAME), list[str](), start + len(NAME) + 1
    for at, character in _outside_texts(statement, start + len(NAME)):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if not depth:
                break
        elif character == "," and depth == 1:
            arguments.append(statement[begun:at].strip())
            begun = at + 1
    return start, at + 1, [*arguments, statement[begun:at].strip()]


def _outside_texts(statement: str, start: int) -> Iterator[tuple[int, str]]:
    quoted = False
    for at in range(start, len(statement)):
        if statement[at] == "'":
            quoted = not quoted
        elif not quoted:
            yield at, statement[at]


def with_stand_in(statement: str) -> str:
    """Return the statement with its call replaced by a query that compares all."""
    start, stop, (base, column, query, *named) = call_of(statement)
    options = dict(re.split(r"\s*=>\s*", argument, maxsplit=1) for argument in named)
    assert column == "'embedding'"
    assert options["distance_type"] == "'COSINE'"
    columns = [name.strip() for name in _selected(base).split(",")]
    kept = ", ".join(f"b.{name} AS {name}" for name in columns if name != "embedding")
    prepared = f"""(
      SELECT STRUCT({kept}) AS base, COSINE_DISTANCE(b.embedding, q.embedding) AS distance
      FROM {base} AS b CROSS JOIN {query} AS q
      ORDER BY distance LIMIT {int(options["top_k"])})"""
    return statement[:start] + prepared + statement[stop:]


def _selected(base: str) -> str:
    selected = re.match(r"\(\s*SELECT\s+(.*?)\s+FROM\s", base, re.DOTALL)
    assert selected, base
    return selected.group(1)


class ReplacedCallClient(BigQueryClient):
    """A client that replaces calls of VECTOR_SEARCH; it records the original statements."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.statements: list[str] = []

    async def rows(self, statement: str, /, *, run_id: str = "", **values: Any) -> Any:
        """Run a statement."""
        if NAME in statement:
            self.statements.append(statement)
            statement = with_stand_in(statement)
        return await super().rows(statement, run_id=run_id, **values)

    async def dry_run(self, statement: str, /, **values: Any) -> int:
        """Check a statement, which an emulator does by running it."""
        await self.rows(statement, **values)
        return 12_345


class SearchByIndex(BigQuerySearch):
    """A search that believes its table to be large and to have an index."""

    facts = TableFacts(1_000_000, 5 << 30)
    index: IndexFacts | None = IndexFacts("told", "ACTIVE", 100, frozenset(STORED), 1000)

    async def table_facts(self, table: str) -> TableFacts:
        """Return the configured facts."""
        return self.facts

    async def index_facts(self, table: str) -> IndexFacts | None:
        """Return the configured facts."""
        return self.index
