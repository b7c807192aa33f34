"""The two commands of a newcomer, and the rule for tools that are absent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


def test_continuous_integration_runs_what_every_change_must_pass_and_an_eighth_of_the_rest() -> (
    None
):
    script = (CHECKOUT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == [
        'export CI="${CI:-true}"',
        'commit="$(git rev-parse --short=8 HEAD 2>/dev/null || echo 0)"',
        "make test",
        'exec make test-eighth EIGHTH="$((16#$commit % 8))"',
    ]


def test_without_uv_on_the_path_setup_installs_it_into_the_cache(tmp_path: Path) -> None:
    fresh = tmp_path / "checkout"
    fresh.mkdir()
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        (fresh / name).write_bytes((CHECKOUT / name).read_bytes())
    completed = subprocess.run(
        ["make", "--dry-run", "setup"],
        cwd=fresh,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "pip install --quiet uv" not in completed:
        assert Path("/usr/bin/uv").exists() or Path("/bin/uv").exists()
    else:
        assert ".cache/uv-tool/bin/uv sync --frozen" in completed


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_an_absent_tool_is_named_and_fails_only_in_ci(
    tmp_path: Path, ci: str, outcome: str
) -> None:
    (tmp_path / "conftest.py").write_bytes((CHECKOUT / "tests" / "conftest.py").read_bytes())
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.needs('no-such-tool')\ndef test_it():\n    pass\n"
    )
    completed = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-W", "default", "."],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in completed.stdout
    assert "no-such-tool is absent" in completed.stdout
    assert (completed.returncode == 0) is (not ci)


@pytest.mark.parametrize(("module", "command"), [("worker", "work"), ("producer", "enqueue")])
def test_a_program_is_also_a_module(module: str, command: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"Usage: sightline {command}" in completed
