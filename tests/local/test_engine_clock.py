"""The clock that an engine is opened with is the one that its leases run by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sightline.ports import Outgoing
from sightline.settings import Settings
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import utc_now


async def test_leases_run_out_by_the_clock_that_is_passed_in(tmp_path: Path) -> None:
    ahead = timedelta(0)
    async with open_engine(Settings(home=tmp_path), now=lambda: utc_now() + ahead) as engine:
        await engine.publisher.publish([Outgoing(b"{}", {})], batch_key="one")
        (first,) = await engine.subscription.pull(10, lease_s=60)
        assert not await engine.subscription.pull(10, lease_s=60)
        ahead = timedelta(hours=1)
        (again,) = await engine.subscription.pull(10, lease_s=60)
    assert (first.attempt, again.attempt) == (1, 2)
