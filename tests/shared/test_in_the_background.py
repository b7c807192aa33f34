"""Tests that a shell runs in the background start commands that hear Ctrl-C all the same."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import CHECKOUT

ASK = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
IN_TESTS = f"""
import subprocess, sys
from tests.conftest import hear_ctrl_c
ask = [sys.executable, "-c", {ASK!r}]
subprocess.run(ask, check=True)
hear_ctrl_c()
subprocess.run(ask, check=True)
"""


def test_a_command_hears_ctrl_c_though_the_tests_run_in_the_background() -> None:
    in_background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    outcome = subprocess.run(
        [*in_background, sys.executable, "-c", IN_TESTS],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert outcome.stdout.split() == ["True", "False"], "ignored before, heard after"
