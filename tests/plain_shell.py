"""Commands as a newcomer types them: in a shell without an environment, in a pipe or a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path

from tests.waiting import GIVE_UP_S

COLUMNS = 60
"""How wide the terminal is, in characters: narrower than most."""


def plain_shell(command: str, folder: Path, *, code: int = 0, terminal: bool = False) -> str:
    """Run a command, with ``folder`` as the home; return all that it printed.

    Raises:
        AssertionError: it ended with another code, or was killed because it did not end.
        TimeoutExpired: it did not end, in a pipe.
    """
    printed, ended = (_in_terminal if terminal else _in_pipe)(command, folder)
    assert ended == code, f"$ {command}\n{printed}\nended with {ended}, not {code}"
    return printed


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder)}


def _in_pipe(command: str, folder: Path) -> tuple[str, int]:
    ended = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=GIVE_UP_S,
        check=False,
    )
    return ended.stdout, ended.returncode


def _in_terminal(command: str, folder: Path) -> tuple[str, int]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    process = subprocess.Popen(
        ["/bin/bash", "-c", command],
        cwd=folder,
        env={**_environment(folder), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    give_up = threading.Timer(GIVE_UP_S, os.killpg, (process.pid, signal.SIGKILL))
    give_up.start()
    try:
        printed = b"".join(iter(lambda: _read(ours), b""))
        code = process.wait()
    finally:
        give_up.cancel()
        os.close(ours)
    return printed.decode(errors="replace").replace("\r\n", "\n"), code


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that nobody holds the other end
        return b""
