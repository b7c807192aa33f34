"""The home folder of each test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.harness import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return an empty home; what is still running at the end is killed."""
    path = tmp_path / "home"
    path.mkdir()
    home = Home(path)
    yield home
    home.end()
