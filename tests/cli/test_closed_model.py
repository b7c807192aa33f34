"""A model that is closed, retired or without a price stops a worker before it does any harm."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.server import VertexSimulator
from tests.cli.cloud_rig import simulator_beside
from tests.cli.conftest import Command

IMAGES = 12
SETTINGS = """
[gcp]
project = "my-project"
[adapters]
classify = "vertex"
embed = "vertex"
[models]
classify = "gemini-3.5-flash-lite"
embed = "gemini-embedding-2"
embed_dimension = 768
[vertex]
endpoint = "{endpoint}"
[worker]
grace_s = 0.5
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[VertexSimulator]:
    with simulator_beside() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def prepared(simulator: VertexSimulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images of a bucket queued for models of the cloud; copy it."""
    folder = tmp_path_factory.mktemp("prepared")
    with (folder / "images.csv").open("w", newline="") as table:
        lines = csv.writer(table)
        lines.writerow(("observation_id", "asset_type", "gcs_uri"))
        for number in range(IMAGES):
            lines.writerow((f"o{number}", "road_sign", f"gs://images/s1/v0/o{number}.jpg"))
    (folder / "sightline.toml").write_text(SETTINGS.format(endpoint=simulator.base_url))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["import", "images.csv"]) == 0
        assert main(["enqueue"]) == 0
    return folder


@pytest.fixture
def queued(
    prepared: Path, simulator: VertexSimulator, sightline: Command, tmp_path: Path
) -> Command:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    simulator.behave(Behaviour())
    return sightline


def nothing_is_lost(sightline: Command) -> None:
    """Check that every part is queued still, and none is a dead letter."""
    (run,) = sightline("status", "--check")["runs"]
    assert (run["queued"], run["written"], run["dead"]) == (run["parts"], 0, 0)
    assert sightline("dead-letters", "list") in ([], {"dead_letters": []})


def test_a_model_that_was_retired_stops_the_worker_and_kills_no_message(
    queued: Command, simulator: VertexSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({Fault.MODEL_CLOSED: 1.0})))
    assert main(["work", "--drain"]) == 2
    error_line = capsys.readouterr().err.splitlines()[-1]
    assert "is not available to this project, or is closed or retired" in error_line
    assert error_line.endswith("set another model, or a location that serves it")
    simulator.behave(Behaviour())
    nothing_is_lost(queued)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("VERTEX__LOCATION", "europe-west4", "is not served from 'europe-west4'"),
        ("MODELS__CLASSIFY", "gemini-9.9-none", "no price of 'gemini-9.9-none' is known"),
        ("MODELS__EMBED", "embedding-9", "models.embed = 'embedding-9' is not accepted"),
    ],
)
def test_what_is_known_without_a_call_is_told_without_one(
    setting: str,
    value: str,
    message: str,
    queued: Command,
    simulator: VertexSimulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before: Any = simulator.counters.to_json()
    with monkeypatch.context() as patch:
        patch.setenv(f"SIGHTLINE_{setting}", value)
        assert main(["work", "--drain"]) == 2
    assert message in capsys.readouterr().err
    assert simulator.counters.to_json() == before
    nothing_is_lost(queued)


def test_once_the_model_is_there_again_the_worker_goes_on(
    queued: Command, simulator: VertexSimulator
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({Fault.MODEL_CLOSED: 1.0})))
    assert main(["work", "--drain"]) == 2
    simulator.behave(Behaviour())
    assert queued("work", "--drain")["acked"] == IMAGES
    (run,) = queued("status", "--check")["runs"]
    assert (run["written"], run["dead"]) == (run["parts"], 0)
