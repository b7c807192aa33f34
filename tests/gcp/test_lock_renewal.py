"""If the renewal of a lock ends for any reason, its holder is interrupted immediately."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sightline.errors import BusyError
from sightline.gcp.bigquery.lock_tables import Holder, LockTables
from sightline.gcp.bigquery.locks import LockTiming, _held, _HeldLock

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Tables:
    """Lock tables with a fixed outcome of renewals."""

    def __init__(self, renewal: bool | Exception) -> None:
        self._renewal = renewal
        self.removed: list[str] = []

    async def renew(self, *_: object) -> bool:
        if isinstance(self._renewal, Exception):
            raise self._renewal
        return self._renewal

    async def remove(self, table: str) -> None:
        self.removed.append(table)


def held_lock(tables: Tables) -> _HeldLock:
    """Return a lock that is held, and renewed without a pause."""

    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    timing, mine = LockTiming(), Holder("w", "token", "now")
    return _HeldLock(
        cast(LockTables, tables), "t", mine, timing.expires(NOW), lambda: NOW, timing, no_pause
    )


@pytest.mark.parametrize(
    ("renewal", "raised"),
    [(False, BusyError), (ZeroDivisionError("unforeseen"), ZeroDivisionError)],
)
async def test_the_end_of_the_renewal_interrupts_the_holder(renewal: Any, raised: Any) -> None:
    tables = Tables(renewal)
    async with asyncio.timeout(10):
        with pytest.raises(raised):
            async with _held(held_lock(tables), "the run"):
                await asyncio.Event().wait()
    assert tables.removed == [], "another process may hold it by now"


async def test_a_holder_that_has_finished_releases_the_lock() -> None:
    tables = Tables(renewal=True)
    async with _held(held_lock(tables), "the run"):
        await asyncio.sleep(0)
    assert tables.removed == ["t"]
