"""A lock whose renewal ends, whatever the cause: its holder is interrupted at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sightline.errors import BusyError
from sightline.gcp.bigquery.lock_tables import Holder, LockTables
from sightline.gcp.bigquery.locks import LockTiming, _held, _Hold

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Tables:
    """Lock tables whose renewal does what the test says."""

    def __init__(self, renewal: bool | Exception) -> None:
        self._renewal = renewal
        self.removed: list[str] = []

    async def renew(self, *_: object) -> bool:
        if isinstance(self._renewal, Exception):
            raise self._renewal
        return self._renewal

    async def remove(self, table: str) -> None:
        self.removed.append(table)


def hold(tables: Tables) -> _Hold:
    """Return a lock that is held, and renewed at once."""

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    timing, mine = LockTiming(), Holder("w", "token", "now")
    return _Hold(
        cast(LockTables, tables), "t", mine, timing.expires(NOW), lambda: NOW, timing, at_once
    )


@pytest.mark.parametrize(
    ("renewal", "raised"),
    [(False, BusyError), (ZeroDivisionError("unforeseen"), ZeroDivisionError)],
)
async def test_what_ends_the_renewal_interrupts_the_holder(renewal: Any, raised: Any) -> None:
    tables = Tables(renewal)
    async with asyncio.timeout(10):
        with pytest.raises(raised):
            async with _held(hold(tables), "the run"):
                await asyncio.Event().wait()
    assert tables.removed == [], "it may be another's by now"


async def test_a_holder_that_is_done_lets_go() -> None:
    tables = Tables(renewal=True)
    async with _held(hold(tables), "the run"):
        await asyncio.sleep(0)
    assert tables.removed == ["t"]
