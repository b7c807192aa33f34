"""Python with packages that ours is measured beside, on top of the project's environment.

They are no dependencies: uv lays them over the environment for one run, and neither it nor uv.lock
is changed. What ours is built on stays as it is locked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

OWN_UV = Path(__file__).parents[1] / ".cache" / "uv-tool" / "bin" / "uv"
LOCKED = ("numpy", "pyarrow")
"""What packages beside ours bring along, too: it is held to the version that ours is locked to."""


def python_beside(packages: Sequence[str]) -> list[str]:
    """Return the command of a Python that can import these, or as many as can be had here."""
    uv = _uv()
    if uv is None and packages:
        print("uv is not on the path; what is not installed is not measured")
    if uv is None or not packages:
        return [sys.executable]
    had = [package for package in packages if _can_be_had(uv, package)]
    return _command(uv, had) if had else [sys.executable]


def _uv() -> str | None:
    # `uv run`, by which make starts everything, says where it is.
    own = str(OWN_UV) if OWN_UV.is_file() else None
    return os.environ.get("UV") or shutil.which("uv") or own


def _can_be_had(uv: str, package: str) -> bool:
    print(f"getting {package} for this run; the environment stays as it is", flush=True)
    tried = subprocess.run(
        [*_command(uv, [package]), "-c", f"import {package.partition('==')[0]}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if tried.returncode:
        print(f"{package} cannot be had, and is not measured:\n{tried.stderr.strip()}")
    return not tried.returncode


def _command(uv: str, packages: Sequence[str]) -> list[str]:
    held = [f"{name}=={version(name)}" for name in LOCKED]
    added = [word for package in (*held, *packages) for word in ("--with", package)]
    return [uv, "run", "--quiet", "--frozen", "--no-sync", *added, "python"]
