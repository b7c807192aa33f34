"""Estimates of what a call will cost, which it seldom exceeds, for reservations."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable

from sightline.errors import TransientError
from sightline.model import AnswerPart, Part
from sightline.ports import Budgets
from sightline.prices import Price, answer_usage, embedding_usage
from sightline.tasks import TaskSpec

log = logging.getLogger(__name__)

PriceOf = Callable[[str], Price | None]
"""A model's price today; ``None`` if the model costs nothing."""


class Estimates:
    """The price of the input and the longest answer, or the dearest call seen if that is higher."""

    def __init__(
        self, price_of: PriceOf, budgets: Budgets, *, answers_at: str, embeddings_at: str
    ) -> None:
        self._price_of = price_of
        self._budgets = budgets
        self._answers_at = answers_at
        self._embeddings_at = embeddings_at
        self._dearest: dict[tuple[str, str], int] = {}
        self._asked: set[tuple[str, str]] = set()
        self._asking: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of_answer(self, part: Part, task: TaskSpec, images: int) -> int:
        """Return a call's estimated cost in micros."""
        usage = answer_usage(
            task,
            self._price_of(part.model),
            images=images,
            output_tokens=task.max_output_tokens,
            location=self._answers_at,
        )
        return max(usage.cost_usd_micros, await self._most(part))

    async def of_embedding(self, part: Part) -> int:
        """Return a call's estimated cost in micros."""
        usage = embedding_usage(self._price_of(part.model), location=self._embeddings_at)
        return max(usage.cost_usd_micros, await self._most(part))

    def saw(self, part: Part, cost_usd_micros: int) -> None:
        """Record what a call has cost."""
        self._dearest[_key(part)] = max(self.known_of(part), cost_usd_micros)

    def known_of(self, part: Part) -> int:
        """Return the cost of the dearest call seen so far."""
        return self._dearest.get(_key(part), 0)

    async def _most(self, part: Part) -> int:
        """Return the cost of the dearest call known; concurrent callers share one query of the
        ledgers.
        """
        if _key(part) not in self._asked:
            async with self._asking[_key(part)]:
                if _key(part) not in self._asked:
                    await self._ask(part)
        return self.known_of(part)

    async def _ask(self, part: Part) -> None:
        try:
            self.saw(part, (await self._budgets.history(part)).most_cost_usd_micros)
        except TransientError as error:
            log.warning("past costs cannot be read, estimating without: %s", error)
            return
        self._asked.add(_key(part))


def _key(part: Part) -> tuple[str, str]:
    return (part.model, part.task if isinstance(part, AnswerPart) else "")
