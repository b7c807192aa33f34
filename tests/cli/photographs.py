"""Projects of somebody's own photographs, and of rendered scenes, for tests that change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.vision.scenes import ROAD_SIGN, render

PHOTOS = 3


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of pictures that nothing tells from photographs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PHOTOS):
        render(ROAD_SIGN, number).image.save(folder / f"photo-{number}.jpg")
    return folder


@pytest.fixture
def worked_photos(photos: Path, sightline: Callable[..., Any]) -> Path:
    """Return the photographs, imported as road signs, and worked off."""
    sightline("import", str(photos), "--asset-type", "road_sign")
    sightline("enqueue")
    sightline("work", "--drain")
    return photos


@pytest.fixture(scope="session")
def asked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home in which photographs were worked off."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "photos").mkdir()
    for number in range(PHOTOS):
        render(ROAD_SIGN, number).image.save(folder / "photos" / f"photo-{number}.jpg")
    home = ("--home", str(folder / ".sightline"))
    for command in (
        ("import", str(folder / "photos"), "--asset-type", "road_sign"),
        ("enqueue",),
        ("work", "--drain"),
    ):
        assert main([*home, *command, "--json"]) == 0
    return folder


@pytest.fixture
def asked_once(asked_folder: Path, shown: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line be in that folder, which no test changes."""
    monkeypatch.chdir(asked_folder)


@pytest.fixture(scope="session")
def scenes_folder(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home in which rendered scenes were worked off."""
    folder = tmp_path_factory.mktemp("worked")
    home = ("--home", str(folder / ".sightline"))
    for command in (("import", str(rendered)), ("enqueue",), ("work", "--drain")):
        assert main([*home, *command, "--json"]) == 0
    return folder


@pytest.fixture
def worked_scenes(scenes_folder: Path, shown: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line be in that folder, which no test changes."""
    monkeypatch.chdir(scenes_folder)
