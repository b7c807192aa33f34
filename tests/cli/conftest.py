"""A small rendered collection, made once a test process, and the command line over it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.vision.scenes import render_collection

SCENES = 48

Command = Callable[..., Any]


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
        got = main([*arguments, "--json"])
        shown = capsys.readouterr()
        assert got == code, f"{arguments}: {got}\n{shown.out}\n{shown.err}"
        return json.loads(shown.out)

    return run
