"""Work by statements: a warehouse that asks models itself, about many parts at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from sightline.model import Part


@dataclass(frozen=True, slots=True)
class PartBatch:
    """The parts of one kind in one run: one task at one fingerprint, or one embedding."""

    run_id: str
    part: Part
    by_asset: bool = False


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What one statement brought: parts answered, refused for now, and refused by reason.

    ``example`` is the status of one that was refused.
    """

    answered: int = 0
    retryable: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    cost_usd_micros: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True)
class WarehouseUsage:
    """What statements took of the warehouse: bytes that are billed, slots times milliseconds."""

    bytes_billed: int = 0
    slot_ms: int = 0

    def __add__(self, other: WarehouseUsage) -> WarehouseUsage:
        """Return the sum."""
        return WarehouseUsage(self.bytes_billed + other.bytes_billed, self.slot_ms + other.slot_ms)


class PartBatches(Protocol):
    """Batches of parts, and the statements that work them off.

    Everything but ``ask`` is safe to repeat. Every method may raise TransientError,
    ConfigurationError and NotFoundError.
    """

    @property
    def usage(self) -> WarehouseUsage:
        """What the statements took that asked, as far as this process began them."""
        ...

    async def batches(self, run_id: str | None = None) -> Sequence[PartBatch]:
        """Return the batches of a run, or of all that are to be worked off so, oldest first."""
        ...

    async def unsettled(self, batch: PartBatch) -> int:
        """Count the parts that are neither written nor dead; nothing need be open for it."""
        ...

    async def weight(self, batch: PartBatch) -> int:
        """Return the bytes that the statements of one pass read, what models read aside.

        A dry run says so: nothing need be open for it, and nothing is made.
        """
        ...

    def claim(self, batch: PartBatch) -> AbstractAsyncContextManager[None]:
        """Hold a batch, so that one process at a time works it off.

        Raises:
            BusyError: another process holds it, or this one lost it meanwhile.
        """
        ...

    async def open(self, batch: PartBatch) -> None:
        """Make what the batch's statements need; wait for one that a process before left."""
        ...

    async def left(self, batch: PartBatch) -> int:
        """Count the parts that are neither settled nor answered and not yet written.

        None is left of a run that was cancelled.
        """
        ...

    async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
        """Ask about so many of them, in one statement; one that is under way is waited for.

        What is brought is kept, and is not asked for again, whatever becomes of this process.
        """
        ...

    async def outcome(self, batch: PartBatch) -> BatchOutcome:
        """Tell what the last statement brought, and what is not settled of those before it."""
        ...

    async def settle(self, batch: PartBatch) -> None:
        """Write what was brought: answers, vectors, dead letters."""
        ...

    async def discard(self, batch: PartBatch) -> None:
        """Take back what the last pass refused, so that it is asked for again some day."""
        ...

    async def close(self, batch: PartBatch) -> None:
        """Remove what ``open`` made for this batch alone."""
        ...
