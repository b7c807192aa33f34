"""How to settle one message once its rows are durable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sightline.ports import ResultRow
from worker.leaser import Lease


class Settle(Enum):
    """Acked messages are done, nacked ones are redelivered, an abandoned lease is another worker's.

    A kept lease is extended; the task that holds it nacks the message.
    """

    ACK = "ack"
    NACK = "nack"
    ABANDON = "abandon"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of one message, ``suspect`` if its failure may be one of the whole job.

    ``over_budget`` names the run whose budget did not allow all of its calls. ``failure`` stops the
    worker after the rows, which are paid for, are written.
    """

    lease: Lease
    settle: Settle
    rows: tuple[ResultRow, ...] = ()
    delay_s: float = 0.0
    suspect: bool = False
    succeeded: bool = False
    over_budget: str | None = None
    failure: BaseException | None = None
