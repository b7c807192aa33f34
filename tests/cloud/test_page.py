"""The guide to Google Cloud, followed command by command by a newcomer, against all servers."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest

from scripts.servers import BigQueryEmulator
from scripts.stack import Stack, run_stack
from sightline.vision.scenes import render_collection
from tests.cloud.project import QUICK
from tests.conftest import CHECKOUT
from tests.docs.pages import blocks, command_lines
from tests.waiting import GIVE_UP_S

pytestmark = pytest.mark.needs("go")

PAGE = CHECKOUT / "docs" / "google-cloud.md"
SCENES = 30
DEMO_DIMENSION = "256"
"""The only dimension of the demo model, which answers here; the page's is Gemini's."""


class Newcomer:
    """Somebody with the page, a folder of photographs, and an account that is emulated."""

    def __init__(self, folder: Path, stack: Stack, bucket: str) -> None:
        self.folder = folder
        self.bucket = bucket
        self.emulator: BigQueryEmulator = stack.bigquery
        self.environment = {
            **os.environ,
            **QUICK,
            "SIGHTLINE_BIGQUERY__ENDPOINT": stack.bigquery.endpoint,
            "SIGHTLINE_BIGQUERY__STORAGE_ENDPOINT": stack.bigquery.storage_endpoint,
            "SIGHTLINE_PUBSUB__ENDPOINT": stack.pubsub.endpoint,
            "SIGHTLINE_VERTEX__ENDPOINT": stack.vertex,
            "SIGHTLINE_GCS__ENDPOINT": stack.gcs.endpoint,
            "SIGHTLINE_MODELS__EMBED_DIMENSION": DEMO_DIMENSION,
        }

    def types(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as it is written, with the names of one's own; nobody is at a terminal."""
        names = {"PROJECT": self.emulator.project, "BUCKET": self.bucket, "LOCATION": "us"}
        own = [Template(word).substitute(names) for word in arguments]
        return subprocess.run(
            [sys.executable, "-m", "sightline", *own],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GIVE_UP_S,
            check=False,
        )


def make_bucket(endpoint: str, name: str) -> None:
    request = urllib.request.Request(
        f"{endpoint}/storage/v1/b?project=any",
        data=f'{{"name": "{name}"}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=GIVE_UP_S):
        return


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    """Yield a newcomer in an empty folder that holds ``photos``, with a bucket and a dataset."""
    folder = tmp_path / "reader"
    folder.mkdir()
    render_collection(folder / "photos", count=SCENES, seed=5)
    # Google's emulator holds back, for a minute, what it gave to a pull that a worker ended.
    with run_stack(tmp_path / "servers", answers="demo", pstest=True) as stack:
        make_bucket(stack.gcs.endpoint, "my-own-images")
        yield Newcomer(folder, stack, "my-own-images")


@pytest.mark.extended
def test_the_guide_to_google_cloud_can_be_followed(newcomer: Newcomer) -> None:
    outputs: dict[str, str] = {}
    for block in blocks(PAGE):
        if block.kind != "run":
            continue
        commands = command_lines(block)
        assert len(commands) == len(block.text.replace("\\\n", " ").strip().splitlines())
        for command in commands:
            completed = newcomer.types(*command.arguments)
            assert completed.returncode == 0, (
                f"{command.where}: {command.text}\n{completed.stdout}\n{completed.stderr}"
            )
            assert "Traceback" not in completed.stderr
            outputs[command.arguments[0]] = completed.stdout

    assert f"{SCENES} observations loaded into" in outputs["upload"]
    assert "FAIL" not in outputs["doctor"]
    assert "road_sign " in outputs["pilot"]
    assert ", 0 dead letters" in outputs["work"]
    runs = [line.split() for line in outputs["status"].splitlines() if " done " in line]
    assert len(runs) == 2, "the pilot's run and the rest"
    assert all(cells[-1] == "yes" for cells in runs), outputs["status"]
    hits = [line for line in outputs["search"].splitlines() if "gs://my-own-images/photos/" in line]
    assert len(hits) == 5
    counts = [line.split() for line in outputs["sql"].splitlines()[1:]]
    signs = (newcomer.folder / "photos" / "observations.csv").read_text().count("_ROAD_SIGN")
    assert sum(int(count) for _, count in counts) == signs > 0
    assert outputs["dead-letters"].strip() == "no dead letters"
