"""How commands speak: ``--json`` everywhere, and bars on a terminal while they work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.program import commands

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", sorted(commands().keys() - {"sightline"}))
def test_every_command_can_print_json(command: str) -> None:
    options = [
        name for parameter in commands()[command].params for name in getattr(parameter, "opts", ())
    ]
    assert "--json" in options


def test_the_demo_shows_bars_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-m", "sightline", "demo", "--dir", str(tmp_path / "d"), "--scenes", "12"],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    screen = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            screen += chunk
    except OSError:
        pass  # the other end was closed: the demo has ended
    os.close(ours)
    assert demo.wait(60) == 0
    text = screen.decode()
    assert "━" in text
    assert "12/12" in text
    for step in ("1/4 rendering", "2/4 importing", "3/4 classifying", "4/4 measuring"):
        assert step in text
