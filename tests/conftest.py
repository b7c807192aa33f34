"""What all tests share: the rule for absent tools, and where the real photographs lie."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PHOTOS = CHECKOUT.parent / "shared" / "photos"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by name where a tool is absent; where CI is set, an absent tool is a failure."""
    for marker in item.iter_markers("needs"):
        tool = str(marker.args[0])
        present = PHOTOS.is_dir() if tool == "photos" else shutil.which(tool) is not None
        if present:
            continue
        if os.environ.get("CI"):
            pytest.fail(f"{tool} is absent, and CI is set", pytrace=False)
        pytest.skip(f"{tool} is absent")


@pytest.fixture
def shared_photos() -> Path:
    """Return the folder of real photographs; mark such tests ``needs("photos")``."""
    return PHOTOS


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
        monkeypatch.delenv(name)
