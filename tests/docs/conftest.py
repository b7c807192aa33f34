"""A folder like a reader's: a small rendered collection named ``photos``, one image of it gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sightline.vision.scenes import render_collection

SCENES = 24


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a rendered collection; copy it before changing it."""
    directory = tmp_path_factory.mktemp("collection")
    render_collection(directory, count=SCENES, seed=78)
    min(directory.rglob("*.jpg")).unlink()
    return directory


@pytest.fixture
def folder(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder of a reader, with ``photos`` in it."""
    shutil.copytree(rendered, tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_WORKER__DRAIN_IDLE_S", "0.2")
    monkeypatch.setenv("SIGHTLINE_WORKER__FLUSH_S", "0.2")
    return tmp_path
