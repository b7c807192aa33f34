"""A small rendered collection, made once a test process, and the command line over it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.vision.scenes import render_collection
from tests.cli import embedded
from tests.cli.cloud_rig import CloudProject, make_bucket
from tests.cli.photographs import (
    asked_folder,
    asked_once,
    photos,
    scenes_folder,
    worked_photos,
    worked_scenes,
)
from tests.gcp.servers import BigQueryEmulator, GcsServer

__all__ = [
    "asked_folder",
    "asked_once",
    "photos",
    "scenes_folder",
    "worked_photos",
    "worked_scenes",
]

SCENES = 48

Command = Callable[..., Any]
Shown = Callable[..., tuple[int, str, str]]
Mistake = Callable[..., None]

NEXT_STEP = re.compile(r"sightline: .+(; |\? ).+\n")
"""What is wrong, or a question, and then what to do."""


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ``SCENES`` scenes; copy it before changing it."""
    directory = tmp_path_factory.mktemp("scenes")
    render_collection(directory, count=SCENES, seed=77)
    return directory


@pytest.fixture
def scenes(rendered: Path, tmp_path: Path) -> Path:
    """Return a copy of the rendered scenes for this test alone."""
    return Path(shutil.copytree(rendered, tmp_path / "scenes"))


@pytest.fixture
def sightline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs a command with ``--json`` and returns what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_WORKER__DRAIN_IDLE_S", "0.2")
    monkeypatch.setenv("SIGHTLINE_WORKER__FLUSH_S", "0.2")

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        ended = main([*arguments, "--json"])
        output = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{output.out}\n{output.err}"
        return json.loads(output.out)

    return run


@pytest.fixture
def shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shown:
    """Return a function that runs a command as people do: (code, out, err)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@pytest.fixture
def mistake(shown: Shown) -> Mistake:
    """Return a function that holds a command to an error of one line, with the next step last."""

    def held(*arguments: str, says: str, code: int | Container[int] = 2) -> None:
        ended, out, err = shown(*arguments)
        assert ended in ({code} if isinstance(code, int) else code), f"{arguments}: {ended}\n{err}"
        assert (out, err.count("\n")) == ("", 1), f"{out}\n{err}"
        assert says in err
        assert NEXT_STEP.fullmatch(err), err

    return held


@pytest.fixture
def embedded_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings name the model and the dimension of vectors written by hand."""
    for name, value in embedded.SPACE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def embedded_home(tmp_path: Path) -> Path:
    """Return a home with answers and vectors, below the present folder of the command line."""
    asyncio.run(embedded.fill_folder(tmp_path / ".sightline" / "warehouse"))
    return tmp_path / ".sightline"


@pytest.fixture
def project(
    bigquery_emulator: BigQueryEmulator,
    gcs: GcsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CloudProject:
    """Return a project with a dataset and a bucket; mark such tests ``needs("go")``."""
    return CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator, gcs=gcs)


@pytest.fixture
def bucket(project: CloudProject, gcs: GcsServer) -> Any:
    """Return the project's bucket, which is made."""
    return make_bucket(gcs, project.bucket)
