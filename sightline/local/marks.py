"""The marks that tell which of queue and warehouse is the older, when one of them was restored.

The queue counts its deliveries and publishes: each takes the next mark. What a process writes into
the warehouse carries the latest mark that it took, in the file's name; and when messages are
settled, the queue records, for each ledger, the greatest mark that was durable by then. So

* a file with a mark that the queue has not reached was written after the queue was copied;
* a recorded mark that no file of the ledger has was recorded after the warehouse was copied.

A message that is delivered for the first time after a copy takes a mark that the copy lacks, and
what is written about it carries that mark: an older queue cannot go unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class Marks:
    """What one process knows of the marks; its queue and its writers share it."""

    def __init__(self) -> None:
        self._latest = 0
        self._durable: dict[str, int] = {}

    @property
    def latest(self) -> int:
        """The mark that this process took last; 0 before it took one."""
        return self._latest

    @property
    def durable(self) -> Mapping[str, int]:
        """The greatest mark, by ledger, among the files that this process made durable."""
        return dict(self._durable)

    def took(self, mark: int) -> None:
        """Hear that the queue gave this process a mark."""
        self._latest = max(self._latest, mark)

    def wrote(self, ledger: str, mark: int) -> None:
        """Hear that a file of a ledger is durable."""
        if mark > self._durable.get(ledger, 0):
            self._durable[ledger] = mark


@dataclass(frozen=True, slots=True)
class QueueMarks:
    """What a queue says of itself.

    ``latest`` is the last mark it gave; ``durable`` the marks it recorded, by ledger. A queue is
    ``unused`` when nothing was ever published to it.
    """

    queue_id: str
    unused: bool
    latest: int
    durable: Mapping[str, int] = field(default_factory=dict)
