"""What is to be done with one message once its rows are durable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sightline.ports import ResultRow
from worker.leaser import Lease


class Settle(Enum):
    """Acked messages are done; nacked ones come again; an abandoned lease is another worker's.

    A kept lease goes on: whoever holds it gives it back.
    """

    ACK = "ack"
    NACK = "nack"
    ABANDON = "abandon"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of one message. ``suspect`` when its failure may be that of the whole job.

    ``over_budget`` names the run whose budget did not allow all of its calls. ``failure`` is what
    stops the worker though there are rows: they are paid for, and written first.
    """

    lease: Lease
    settle: Settle
    rows: tuple[ResultRow, ...] = ()
    delay_s: float = 0.0
    suspect: bool = False
    succeeded: bool = False
    over_budget: str | None = None
    failure: BaseException | None = None
