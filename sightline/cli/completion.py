"""Checks the shell before Typer's own options install or show completion for it."""

from __future__ import annotations

import shellingham

from sightline.errors import ConfigurationError

OPTIONS = frozenset({"--install-completion", "--show-completion"})
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def check_shell() -> None:
    """Check that this program runs in a shell that can complete its commands.

    Raises:
        ConfigurationError: no shell is detected, or one that Typer does not support.
    """
    try:
        shell, _ = shellingham.detect_shell()
    except shellingham.ShellDetectionFailure:
        shell = ""
    if shell not in _SHELLS:
        problem = f"completion does not support {shell}" if shell else "no shell was detected"
        raise ConfigurationError(f"{problem}; run this in bash, zsh, fish or PowerShell")
