"""Shells complete commands and options: installed by the program, asked in each shell itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import shellingham

from tests.cli.conftest import Mistake
from tests.conftest import CHECKOUT
from tests.waiting import GIVE_UP_S

PROGRAM = f"{sys.executable} -m sightline"


OPTIONS = {"zsh": ("-i",)}
"""Without it, zsh does not read the file into which completion is installed."""


def typed(command: str, home: Path, *, shell: str = "bash", **variables: str) -> str:
    """Return what a command prints that is typed in a shell."""
    shown = subprocess.run(
        # The last command takes the place of the shell, which must be found as the parent.
        [shell, *OPTIONS.get(shell, ()), "-c", f"{command}\ntrue"],
        env={**os.environ, **variables, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
        timeout=GIVE_UP_S,
    )
    return shown.stdout


ASKED = {
    "bash": """
        . ~/.bashrc
        COMP_WORDS=(sightline dead-letters "") COMP_CWORD=2
        _sightline_completion sightline
        echo "${COMPREPLY[@]}"
    """,
    "fish": "complete -C 'sightline dead-letters '",
    # Without a terminal there is no Tab: what Tab would show is printed instead.
    "zsh": """
        print $_comps[sightline]
        _arguments() { print -r -- "$@" }
        words=(sightline dead-letters "") CURRENT=3
        autoload +X _sightline
        _sightline
        _sightline_completion
    """,
}
"""How each shell is asked what may follow ``sightline dead-letters``."""


@pytest.mark.parametrize(
    "shell",
    [pytest.param(name, marks=pytest.mark.needs(name)) for name in ASKED],
)
def test_completion_that_is_installed_completes_in_this_shell(shell: str, tmp_path: Path) -> None:
    script = typed("sightline --show-completion", tmp_path, shell=shell)
    assert f"_SIGHTLINE_COMPLETE=complete_{shell}" in script
    assert not any(script.strip() in path.read_text() for path in files_of(tmp_path))
    printed = typed("sightline --install-completion", tmp_path, shell=shell)
    assert f"{shell} completion installed" in printed
    assert any(script.strip() in path.read_text() for path in files_of(tmp_path))
    printed = typed(ASKED[shell], tmp_path, shell=shell, TERM="dumb")
    assert [name for name in ("list", "purge", "replay") if name not in printed] == []


def files_of(folder: Path) -> list[Path]:
    """Return the files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
@pytest.mark.parametrize("shell", ["", "tcsh"])
def test_completion_needs_a_shell_that_is_supported(
    mistake: Mistake, monkeypatch: pytest.MonkeyPatch, option: str, shell: str
) -> None:
    def detect() -> tuple[str, str]:
        if not shell:
            raise shellingham.ShellDetectionFailure
        return shell, f"/bin/{shell}"

    monkeypatch.setattr(shellingham, "detect_shell", detect)
    problem = "completion does not support tcsh" if shell else "no shell was detected"
    mistake(option, says=f"{problem}; run this in bash, zsh, fish or PowerShell")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("sightline du", ["duplicates"]),
        ("sightline dead-letters ", ["list", "replay", "purge"]),
        ("sightline stats --acr", ["--across"]),
    ],
)
def test_commands_and_options_are_completed(
    words: str, completed: list[str], tmp_path: Path
) -> None:
    printed = typed(
        PROGRAM,
        tmp_path,
        _SIGHTLINE_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(words.count(" ")),
    )
    assert printed.split() == completed
