"""Marks that show which of queue and warehouse is older, if one of them was restored.

The queue counts its deliveries and publishes: each takes the next mark. A file that a process
writes to the warehouse carries the latest mark that the process took, in its name; when messages
are settled, the queue records, for each ledger, the greatest mark that was durable by then. So

* a file with a mark that the queue has not reached was written after the queue was copied;
* a recorded mark that no file of the ledger has was recorded after the warehouse was copied.

The first delivery of a message after a copy takes a mark that the copy lacks, and the rows about it
carry that mark: so an older queue is always detected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class Marks:
    """The marks known to one process, shared by its queue and its writers."""

    def __init__(self) -> None:
        self._latest = 0
        self._durable: dict[str, int] = {}

    @property
    def latest(self) -> int:
        """The last mark that this process took; 0 before the first."""
        return self._latest

    @property
    def durable(self) -> Mapping[str, int]:
        """The greatest mark, by ledger, among the files that this process made durable."""
        return dict(self._durable)

    def took(self, mark: int) -> None:
        """Record a mark that the queue gave this process."""
        self._latest = max(self._latest, mark)

    def wrote(self, ledger: str, mark: int) -> None:
        """Record that a file of a ledger is durable."""
        if mark > self._durable.get(ledger, 0):
            self._durable[ledger] = mark


@dataclass(frozen=True, slots=True)
class QueueMarks:
    """A queue's state: ``latest`` is the last mark it gave; ``durable`` the marks it recorded, by
    ledger.

    A queue is ``unused`` if nothing was ever published to it.
    """

    queue_id: str
    unused: bool
    latest: int
    durable: Mapping[str, int] = field(default_factory=dict)
