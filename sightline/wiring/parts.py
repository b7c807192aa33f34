"""A queue that was opened, with what a local warehouse beside it has to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.ports import Queue

if TYPE_CHECKING:
    from sightline.local.marks import Marks
    from sightline.local.queue import LocalQueue

QueuedBodies = Callable[[str | None], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class OpenQueue:
    """A queue. ``bodies`` yields unsettled messages, of a run or of all, where the queue can tell.

    ``local`` is the queue itself where it is a file of this machine, and ``marks`` what its process
    shares with the local warehouse's writers.
    """

    ports: Queue
    bodies: QueuedBodies | None = None
    local: LocalQueue | None = None
    marks: Marks | None = None
