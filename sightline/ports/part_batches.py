"""Work by statements: a warehouse that calls models itself, for many parts at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from sightline.model import Part


@dataclass(frozen=True, slots=True)
class PartBatch:
    """The parts of one kind in one run: of one task at one fingerprint, or of one embedding."""

    run_id: str
    part: Part
    by_asset: bool = False


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The outcome of one statement: parts answered, refused temporarily, and refused by reason.

    ``example`` is the status of one refused part.
    """

    answered: int = 0
    retryable: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    cost_usd_micros: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True)
class WarehouseUsage:
    """The resources that statements used: bytes billed, and slot milliseconds."""

    bytes_billed: int = 0
    slot_ms: int = 0

    def __add__(self, other: WarehouseUsage) -> WarehouseUsage:
        """Return the sum."""
        return WarehouseUsage(self.bytes_billed + other.bytes_billed, self.slot_ms + other.slot_ms)


class PartBatches(Protocol):
    """Batches of parts, and the statements that process them.

    Everything except ``ask`` is safe to repeat. Every method may raise TransientError,
    ConfigurationError and NotFoundError.
    """

    @property
    def usage(self) -> WarehouseUsage:
        """The resources used by the statements that this process started."""
        ...

    async def batches(self, run_id: str | None = None) -> Sequence[PartBatch]:
        """Return the batches of a run, or of all runs for this engine, oldest first."""
        ...

    async def unsettled(self, batch: PartBatch) -> int:
        """Count the parts that are neither written nor dead; works without ``open``."""
        ...

    async def weight(self, batch: PartBatch) -> int:
        """Return the bytes that the statements of one pass read, not counting what models read.

        Uses a dry run: it works without ``open``, and creates nothing.
        """
        ...

    def claim(self, batch: PartBatch) -> AbstractAsyncContextManager[None]:
        """Lock a batch, so that only one process at a time works on it.

        Raises:
            BusyError: another process holds the lock, or this one has lost it.
        """
        ...

    async def open(self, batch: PartBatch) -> None:
        """Create what the batch's statements need; wait for a statement of an earlier process."""
        ...

    async def left(self, batch: PartBatch) -> int:
        """Count the parts that are neither settled nor have a response waiting to be written.

        A cancelled run has none.
        """
        ...

    async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
        """Ask about this many parts in one statement; a statement already running is awaited
        instead.

        Responses are stored and not requested again, even if this process ends.
        """
        ...

    async def outcome(self, batch: PartBatch) -> BatchOutcome:
        """Return the outcome of the last statement, and of unsettled earlier ones."""
        ...

    async def settle(self, batch: PartBatch) -> None:
        """Write the responses: answers, vectors, dead letters."""
        ...

    async def discard(self, batch: PartBatch) -> None:
        """Discard what the last pass refused, so that a later pass asks again."""
        ...

    async def close(self, batch: PartBatch) -> None:
        """Remove what ``open`` created for this batch alone."""
        ...
