"""What answers and vectors tell together is the same, whichever warehouse holds the rows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli import embedded, revisited
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import Command
from tests.cli.test_export_cloud import fill_dataset, fill_folder
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


def test_both_warehouses_consolidate_to_the_same(
    sightline: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bigquery_emulator: BigQueryEmulator,
) -> None:
    asyncio.run(fill_folder(tmp_path / "home" / "warehouse"))
    command = ("consolidate", "--confidence", "height", "--out", "out.jsonl", "--force")
    local = sightline("--home", "home", *command)
    local_file = (tmp_path / "out.jsonl").read_text()
    project = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    asyncio.run(fill_dataset(bigquery_emulator, project.dataset))
    assert sightline(*command) == local
    assert (tmp_path / "out.jsonl").read_text() == local_file
    assert local["assets"] == len(local_file.splitlines()) == 4


COMPARING = (
    ("outliers", "signs", "--neighbours", "4", "--at-least", "0"),
    ("outliers", "signs", "--asset-type", "road_sign"),
    ("duplicates", "--at-least", "0.995"),
    ("duplicates", "--within-asset", "--at-least", "0"),
    ("duplicates", "--multi-view", "--metres", "200"),
)


@pytest.mark.extended
def test_both_warehouses_compare_vectors_to_the_same_end(
    sightline: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bigquery_emulator: BigQueryEmulator,
) -> None:
    for name, value in embedded.SPACE.items():
        monkeypatch.setenv(name, value)
    asyncio.run(embedded.fill_folder(tmp_path / "home" / "warehouse"))
    local = [sightline("--home", "home", *command) for command in COMPARING]
    assert local[0]["outliers"]
    project = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    asyncio.run(embedded.fill_dataset(bigquery_emulator, project.dataset))
    for command, expected in zip(COMPARING, local, strict=True):
        assert sightline(*command) == expected


def test_both_warehouses_tell_the_same_changes(
    sightline: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bigquery_emulator: BigQueryEmulator,
) -> None:
    commands = (("changes",), ("changes", "signs", "--at", revisited.AT))
    asyncio.run(revisited.fill_folder(tmp_path / "home" / "warehouse"))
    local = [sightline("--home", "home", *command) for command in commands]
    assert local[0]["changed"]
    project = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    asyncio.run(revisited.fill_dataset(bigquery_emulator, project.dataset))
    assert [sightline(*command) for command in commands] == local
