"""The wheel holds what the program reads at run time."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")


def test_the_wheel_holds_tasks_weights_types_and_the_console_script(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "sightline/prices/prices.toml",
        "sightline/shipped_tasks/road_signs.toml",
        "sightline/vision/weights/card.json",
        "sightline/vision/weights/image.onnx",
        "sightline/vision/weights/text.onnx",
        "sightline/py.typed",
        "worker/__main__.py",
        "producer/__main__.py",
    } <= names
    assert not {name for name in names if name.startswith(("tests/", "bench/", "scripts/"))}
    assert wheel.stat().st_size < 12 << 20
