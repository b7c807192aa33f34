"""What a benchmark is run beside is laid over the environment, which stays as it is."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import pytest

from bench import beside


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Note which commands are tried; one that names ``broken`` fails."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        failed = any("broken" in word for word in command)
        return subprocess.CompletedProcess(command, int(failed), "", "no compiler\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("UV", "/bin/uv")
    return commands


def test_what_can_be_had_is_added_to_what_is_locked(
    tried: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    command = beside.python_beside(["lance==1.0", "broken==2.0"])
    assert command[:5] == ["/bin/uv", "run", "--quiet", "--frozen", "--no-sync"]
    assert command[-1] == "python"
    added = [word for flag, word in pairwise(command) if flag == "--with"]
    assert added == [f"numpy=={version('numpy')}", f"pyarrow=={version('pyarrow')}", "lance==1.0"]
    assert [command[-1] for command in tried] == ["import lance", "import broken"]
    output = capsys.readouterr().out
    assert "broken==2.0 cannot be had, and is not measured:\nno compiler" in output


def test_with_nothing_to_be_had_the_environment_alone_is_measured(
    tried: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert beside.python_beside(["broken==2.0"]) == [sys.executable]
    assert beside.python_beside([]) == [sys.executable]
    monkeypatch.setattr(beside, "_uv", lambda: None)
    assert beside.python_beside(["lance==1.0"]) == [sys.executable]
    assert "uv is not on the path" in capsys.readouterr().out
    assert len(tried) == 1
