"""The wheel, built once for all tests of the packaging."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel; mark such tests ``xdist_group("wheel")``, so that one process builds it."""
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        check=True,
        cwd=CHECKOUT,
        capture_output=True,
    )
    (built,) = directory.glob("*.whl")
    return built
