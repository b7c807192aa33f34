"""What is missing is counted in shares, so that it needs little memory."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sightline.local.warehouse import ledgers
from sightline.local.warehouse.ledgers import shares
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import EMBEDDING, asking, embedding_row, observation


@pytest.mark.parametrize("parts", [0, 1, 100_000, 100_001, 1_234_567, 10**12])
def test_every_key_is_in_just_one_share(parts: int) -> None:
    conditions = shares(parts)
    assert len(conditions) == max(1, min(-(-parts // ledgers.PARTS_AT_A_TIME), 65_536))
    some = conditions[:3] + conditions[-3:]
    keys = "SELECT sha256(i::VARCHAR) AS part_key FROM range(2000) AS numbers(i)"
    hits = " + ".join(f"({key})::INTEGER" for key in dict.fromkeys(some))
    most = duckdb.execute(f"SELECT max({hits}), min({hits}) FROM ({keys})").fetchall()[0]
    assert most[0] <= 1
    if len(conditions) <= 6:
        assert most[1] == 1


def test_shares_are_about_even() -> None:
    conditions = shares(400_000)
    counts = [
        duckdb.execute(
            "SELECT count(*) FROM (SELECT sha256(i::VARCHAR) AS part_key FROM range(4000) AS n(i))"
            f" WHERE {condition}"
        ).fetchall()[0][0]
        for condition in conditions
    ]
    assert sum(counts) == 4000
    assert min(counts) > 800


async def test_the_shares_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = local_rig(tmp_path / "home")
    monkeypatch.setattr(ledgers, "PARTS_AT_A_TIME", 2)
    await rig.load([observation(number) for number in range(6)])
    await rig.open(asking(EMBEDDING), "run-1")
    assert await rig.ledgers.missing() == 6
    items = await rig.items("run-1")
    await rig.writer.write([embedding_row(work_item) for work_item in items[:4]])
    assert await rig.ledgers.missing() == 2
