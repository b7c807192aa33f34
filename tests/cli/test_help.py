"""``sightline --help`` lists every command in a group, and shells complete what is typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import shellingham

from sightline.cli.command_table import COMMANDS
from tests.cli.conftest import Mistake, Shown
from tests.conftest import CHECKOUT
from tests.docs.program import ROOT, groups

PROGRAM = f"{sys.executable} -m sightline"
GROUPS = [name for name, command in COMMANDS.items() if command.target.endswith(":app")]


def test_every_command_is_in_one_group(shown: Shown) -> None:
    code, out, _ = shown("--help")
    assert code == 0
    listed: dict[str, list[str]] = {}
    for block in out.split("\n\n"):
        title, *lines = block.splitlines()
        if title.endswith(":") and title not in ("Options:", "Usage:"):
            listed[title.removesuffix(":")] = [line.split()[0] for line in lines]
    assert listed == groups()
    assert sorted(name for names in listed.values() for name in names) == sorted(ROOT.commands)


def test_the_table_of_commands_names_every_module_and_what_each_says() -> None:
    folder = CHECKOUT / "sightline" / "cli" / "commands"
    targets = [command.target.partition(":")[0] for command in COMMANDS.values()]
    modules = {path.stem for path in folder.iterdir() if not path.name.startswith("_")}
    parts_of_work = {"work_batches"}
    assert {target.rpartition(".")[2] for target in targets} == modules - parts_of_work
    for name, command in COMMANDS.items():
        loaded = command.load()
        assert loaded.name == name
        module = import_module(command.target.partition(":")[0])
        assert f"``sightline {name}" in (module.__doc__ or "")
        if hasattr(loaded, "commands"):
            assert loaded.help == command.short_help


@pytest.mark.parametrize("path", ["", *sorted(GROUPS)])
def test_no_line_of_a_list_of_commands_is_cut_off(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = shown(*path.split(), "--help")
    assert code == 0
    assert "..." not in out.replace("COMMAND [ARGS]...", "").replace("[NAMES]...", "")


def typed(command: str, home: Path, **variables: str) -> str:
    """Return what a command prints that is typed in bash."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    # The last command of `bash -c` replaces the shell, which is then not found as the parent.
    shown = subprocess.run(
        [bash, "-c", f"{command}; exit $?"],
        env={**os.environ, **variables, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
        timeout=60,
    )
    return shown.stdout


def test_completion_is_installed_for_the_shell_in_which_it_is_asked_for(tmp_path: Path) -> None:
    script = typed(f"{PROGRAM} --show-completion", tmp_path)
    assert "_SIGHTLINE_COMPLETE=complete_bash" in script
    assert list(tmp_path.iterdir()) == []
    assert "bash completion installed" in typed(f"{PROGRAM} --install-completion", tmp_path)
    (installed,) = (tmp_path / ".bash_completions").iterdir()
    assert installed.read_text().strip() == script.strip()
    assert str(installed) in (tmp_path / ".bashrc").read_text()


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
