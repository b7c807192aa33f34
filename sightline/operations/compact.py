"""The warehouse kept tidy: small files merged, physical duplicates dropped, manifests rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.ports import Compacted, Repaired, Warehouse
from sightline.wiring.ids import utc_now


@dataclass(frozen=True, slots=True)
class Compaction:
    """The ledgers in which there was something to compact."""

    ledgers: Sequence[Compacted]


@dataclass(frozen=True, slots=True)
class Repair:
    """The ledgers that needed a repair."""

    ledgers: Sequence[Repaired]


async def compact(warehouse: Warehouse, *, everything: bool = False) -> Compaction:
    """Compact closed days; with ``everything``, today too. Safe beside running workers.

    Raises:
        StorageError: a file of the warehouse cannot be read or written.
    """
    reports = await warehouse.upkeep.compact(now=utc_now(), everything=everything)
    return Compaction(tuple(report for report in reports if report.partitions))


async def repair(warehouse: Warehouse) -> Repair:
    """Rebuild manifests that are lost, from the files themselves; nothing is deleted.

    Raises:
        StorageError: a file of the warehouse cannot be read or written.
    """
    return Repair(tuple(await warehouse.upkeep.repair(now=utc_now())))
