"""The same answers give the same statistics and the same files, whichever warehouse holds them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sightline.cli import main
from sightline.ports import ClassificationRow
from tests.cli import filled
from tests.cli.answered import SIGNS, signs
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import Command
from tests.contracts.answers_suite import item
from tests.contracts.warehouse_rig import answer_part, answer_row
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


def rows() -> list[ClassificationRow]:
    """Return the answers that both warehouses hold."""
    part = answer_part(SIGNS)
    return [
        answer_row(item(n, **({"latitude": None} if n == 5 else {})), part, answer=signs(n))
        for n in range(8)
    ]


async def fill_dataset(emulator: BigQueryEmulator, dataset: str, *, answered: bool = True) -> None:
    """Make a dataset with these answers, or with none."""
    await filled.fill_dataset(emulator, dataset, SIGNS if answered else None, rows())


async def fill_folder(root: Path) -> None:
    """Make a warehouse in a folder with these answers."""
    await filled.fill_folder(root, SIGNS, rows())


def everything(sightline: Command, folder: Path, *options: str) -> dict[str, Any]:
    """Return what the commands say, and the files that they write, as other programs read them."""
    crossed = sightline(*options, "stats", "--by", "damage", "--across", "cell")
    outputs = {
        "overview": sightline(*options, "stats"),
        "crossed": crossed | {"groups": sorted(crossed["groups"], key=str)},
    }
    for name in ("a.parquet", "a.geojson"):
        sightline(*options, "export", str(folder / name), "--force")
    sightline(*options, "export", str(folder / "a.jsonl"), "--format", "tuning", "--force")
    table = pq.read_table(folder / "a.parquet")
    features = json.loads((folder / "a.geojson").read_text())["features"]
    return outputs | {
        "columns": [(column.name, column.type) for column in table.schema],
        "rows": sorted(table.to_pylist(), key=lambda row: row["subject_id"]),
        "features": sorted(features, key=lambda feature: feature["id"]),
        "examples": sorted((folder / "a.train.jsonl").read_text().splitlines()),
    }


def test_both_warehouses_tell_the_same(
    sightline: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bigquery_emulator: BigQueryEmulator,
) -> None:
    asyncio.run(fill_folder(tmp_path / "home" / "warehouse"))
    local = everything(sightline, tmp_path, "--home", "home")
    project = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    asyncio.run(fill_dataset(bigquery_emulator, project.dataset))
    cloud = everything(sightline, tmp_path)
    assert len(local["rows"]) == 8
    for name, value in local.items():
        assert cloud[name] == value, name


def test_a_dataset_without_answers_or_without_tables_is_told_in_one_line(
    sightline: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bigquery_emulator: BigQueryEmulator,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    assert main(["stats"]) == 2
    remark = capsys.readouterr().err
    assert remark.count("\n") == 1
    assert "tasks_active" in remark
    asyncio.run(fill_dataset(bigquery_emulator, project.dataset, answered=False))
    assert sightline("stats") == {"tasks": [], "coverage": []}
    assert main(["export", "a.csv"]) == 2
    remark = capsys.readouterr().err
    assert remark.count("\n") == 1
    assert "there are no answers yet; run `sightline enqueue`" in remark
