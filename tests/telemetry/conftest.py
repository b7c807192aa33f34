"""A home folder with models that answer at once and pretend to cost something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.harness import Home

PRICES = """
[[price]]
model = "noop"
since = 2026-01-01
input_usd = 1.0
output_usd = 10.0
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return a home without observations; what is still running at the end is killed."""
    path = tmp_path / "home"
    path.mkdir()
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    home = Home(path)
    home.environment["SIGHTLINE_PRICES"] = str(prices)
    yield home
    home.end()
