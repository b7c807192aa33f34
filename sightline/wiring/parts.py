"""An open queue, with what a local warehouse beside it needs to know."""

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
    """A queue.

    ``bodies`` yields unsettled messages, of one run or of all, if the queue can list them.
    ``local`` is the queue itself if it is a file of this machine, and ``marks`` the marks that its
    process shares with the local warehouse's writers.
    """

    ports: Queue
    bodies: QueuedBodies | None = None
    local: LocalQueue | None = None
    marks: Marks | None = None
