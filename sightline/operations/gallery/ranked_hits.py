"""Keeps the hits of recent searches, so that the next page of one is no second search."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass

from sightline.operations.gallery.browsing import RankedImage

MOST_SEARCHES = 32
LASTS_S = 60.0


@dataclass(frozen=True, slots=True)
class RankedHits:
    """The hits of a search, best first, and sentences about them."""

    images: Sequence[RankedImage]
    remarks: Sequence[str]


Search = Callable[[], Coroutine[object, object, RankedHits]]


class RecentSearches:
    """The hits of the last searches; visitors who ask the same at once share one search."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """``now_s`` is a clock in seconds that never goes back."""
        self._now_s = now_s
        self._searches: OrderedDict[Hashable, tuple[float, asyncio.Task[RankedHits]]] = (
            OrderedDict()
        )

    async def hits(self, key: Hashable, search: Search) -> RankedHits:
        """Return the hits of a search that was made lately, or search now; raises as it does."""
        begun_s, task = self._searches.get(key, (float("-inf"), None))
        if task is None or self._now_s() - begun_s > LASTS_S or _failed(task):
            task = asyncio.ensure_future(search())
            self._searches[key] = (self._now_s(), task)
            self._searches.move_to_end(key)
            while len(self._searches) > MOST_SEARCHES:
                self._searches.popitem(last=False)
        return await asyncio.shield(task)  # another visitor may wait for it, too

    async def close(self) -> None:
        """End the searches under way."""
        tasks = [task for _, task in self._searches.values()]
        self._searches.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _failed(task: asyncio.Task[RankedHits]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
