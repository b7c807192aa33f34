"""Looks up, before anything is paid, what the ledgers hold of messages that come again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.errors import PermanentError
from sightline.ports import Delivery, Ledgers
from sightline.wire import RECHECK, REPLAY, decode
from worker.patience import Patience
from worker.progress import Progress


@dataclass(frozen=True, slots=True)
class Redelivered:
    """Knows which parts of redelivered messages are not to be paid again."""

    ledgers: Ledgers
    patience: Patience
    progress: Progress

    async def settled(self, deliveries: Sequence[Delivery]) -> frozenset[str]:
        """Return the keys of the parts that the ledgers hold.

        Raises:
            TransientError: a stop was asked for while the ledgers could not be read.
        """
        redelivered: list[str] = []
        replayed: list[str] = []
        for delivery in deliveries:
            if delivery.attempt == 1 and not {RECHECK, REPLAY} & delivery.attributes.keys():
                continue
            self.progress.redelivered += 1
            with contextlib.suppress(PermanentError):  # the handler makes it a dead letter
                keys = decode(delivery.body).part_keys()
                (replayed if REPLAY in delivery.attributes else redelivered).extend(keys)
        if not (redelivered or replayed):
            return frozenset()

        async def look() -> frozenset[str]:
            settled = await self.ledgers.settled(redelivered)
            return settled | await self.ledgers.written(replayed)

        return await self.patience.read("the ledgers cannot be read", look)
