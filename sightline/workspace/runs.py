"""An enqueued run, and the outcome of its processing, as the Python API returns them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from sightline.model import Preview
from sightline.operations.unmatched import Unmatched
from sightline.workspace.tables import html_table


@dataclass(frozen=True, slots=True)
class Run:
    """A run: how many messages and parts are published, and its estimated cost.

    ``id`` is ``None`` if nothing was left to do; ``nothing_to_do`` then counts the reasons.
    ``unmatched`` says how many observations match no task, by asset type, and what to do.
    """

    id: str | None
    messages: int
    parts: int
    estimated_cost_usd: float
    nothing_to_do: Preview | None = None
    unmatched: Unmatched | None = None

    def _repr_html_(self) -> str:
        remark = f"<p>{html.escape(str(self.unmatched))}</p>" if self.unmatched else ""
        return self._table() + remark

    def _table(self) -> str:
        if self.nothing_to_do is not None:
            left = self.nothing_to_do
            columns = ["parts", "done", "in an open run", "dead"]
            return html_table(columns, [[left.matched, left.done, left.held, left.dead]])
        columns = ["run", "messages", "parts", "estimated cost (US dollars)"]
        cost = f"{self.estimated_cost_usd:,.4f}"
        return html_table(columns, [[self.id, self.messages, self.parts, cost]])


@dataclass(frozen=True, slots=True)
class WorkSummary:
    """What one call of ``work`` wrote and spent; ``dead_letters`` counts parts by reason."""

    answers: int
    embeddings: int
    dead_letters: Mapping[str, int]
    cost_usd: float

    def _repr_html_(self) -> str:
        columns = ["answers", "embeddings", "dead letters", "cost (US dollars)"]
        dead, cost = sum(self.dead_letters.values()), f"{self.cost_usd:,.4f}"
        return html_table(columns, [[self.answers, self.embeddings, dead, cost]])
