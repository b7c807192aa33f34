"""Maintains the warehouse: merges small files, drops duplicates, rebuilds manifests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.ports import Compacted, Repaired, Warehouse
from sightline.wiring.ids import utc_now


@dataclass(frozen=True, slots=True)
class Compaction:
    """The ledgers that were compacted."""

    ledgers: Sequence[Compacted]


@dataclass(frozen=True, slots=True)
class Repair:
    """The ledgers that were repaired."""

    ledgers: Sequence[Repaired]


async def compact(warehouse: Warehouse, *, everything: bool = False) -> Compaction:
    """Compact closed days; with ``everything``, today too. Safe while workers run.

    Raises:
        StorageError: a file of the warehouse cannot be read or written.
    """
    reports = await warehouse.upkeep.compact(now=utc_now(), everything=everything)
    return Compaction(tuple(report for report in reports if report.partitions))


async def repair(warehouse: Warehouse) -> Repair:
    """Rebuild missing manifests from the files themselves; nothing is deleted.

    Raises:
        StorageError: a file of the warehouse cannot be read or written.
    """
    return Repair(tuple(await warehouse.upkeep.repair(now=utc_now())))
