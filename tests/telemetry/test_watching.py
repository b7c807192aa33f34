"""``--watch`` of real commands: drawn on a terminal, lines of JSON on a pipe, ended by Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.chaos.harness import Home
from tests.conftest import CHECKOUT
from tests.telemetry.processes import lines_until
from tests.waiting import GIVE_UP_S

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
"""What hides the cursor, and shows it again."""


@dataclass
class Terminal:
    """A terminal of 80 by 24 characters with a command on it, Ctrl-C included."""

    ours: int
    process: subprocess.Popen[bytes]
    text: str = ""
    ended: bool = field(default=False)

    def until(self, seen: Callable[[str], bool]) -> None:
        """Read until what was shown is as wanted."""
        while not seen(self.text):
            assert not self.ended, self.text
            self._read()

    def to_the_end(self) -> int:
        """Read until the command ends; return its exit code."""
        while not self.ended:
            self._read()
        os.close(self.ours)
        return self.process.wait(60)

    def press_ctrl_c(self) -> None:
        """Type it: the terminal makes it a signal to what runs on it."""
        os.write(self.ours, b"\x03")

    @property
    def plain(self) -> str:
        """What was shown, without what commands the terminal."""
        return CONTROLS.sub("", self.text)

    def _read(self) -> None:
        try:
            self.text += os.read(self.ours, 65536).decode(errors="replace")
        except OSError:
            self.ended = True  # the other end was closed


def on_terminal(home: Home, *arguments: str) -> Terminal:
    """Run a command on a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", ON_IT, *arguments],
        env={**home.env(), "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
        cwd=CHECKOUT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    return Terminal(ours, process)


ON_IT = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from sightline.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""A command whose terminal is its own, so that Ctrl-C reaches it."""


def test_a_worker_draws_its_view_and_ends_with_its_summary(home: Home) -> None:
    home.fill(300)
    home.run("enqueue", "--task", "road_signs")
    terminal = on_terminal(home, "work", "--drain", "--watch")
    assert terminal.to_the_end() == 0
    text = terminal.plain
    assert "worker " in text
    assert "throughput" in text
    assert re.search(r"done +300 messages +300 answers +300 embeddings", text)
    assert re.search(r"left +0 messages +0 s to go", text)
    assert re.search(r"cost +\$\d", text)
    assert re.search(r"\n300 messages in [\d.]+ s", text)
    assert max(map(len, text.splitlines())) <= 80
    assert terminal.text.rindex(SHOWN) > terminal.text.rindex(HIDDEN)


@pytest.mark.extended
def test_ctrl_c_ends_a_watched_worker_in_order(home: Home) -> None:
    home.fill(20)
    home.run("enqueue", "--task", "road_signs")
    terminal = on_terminal(home, "work", "--watch")
    terminal.until(lambda text: "20 messages" in CONTROLS.sub("", text))
    terminal.press_ctrl_c()
    assert terminal.to_the_end() == 0
    assert "stopping" in terminal.plain
    assert re.search(r"\n20 messages in ", terminal.plain)
    assert terminal.text.rindex(SHOWN) > terminal.text.rindex(HIDDEN)


@pytest.mark.extended
def test_on_a_pipe_a_worker_prints_lines_of_json_and_no_control_character(home: Home) -> None:
    home.fill(300)
    home.run("enqueue", "--task", "road_signs")
    worker = home.start("work", "--drain", "--watch")
    out, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 0, err
    assert out.isascii()
    assert all(character.isprintable() for character in out.replace("\n", ""))
    *views, last = map(json.loads, out.splitlines())
    assert views[-1]["messages"] == last["summary"]["acked"] == 300
    assert (views[-1]["left"], views[-1]["left_unit"]) == (0, "messages")
    assert [view["seconds"] for view in views] == sorted(view["seconds"] for view in views)


@pytest.mark.extended
def test_a_reader_that_goes_away_does_not_stop_the_work(home: Home) -> None:
    home.fill(300)
    run_id = home.run("enqueue", "--task", "road_signs")["run_id"]
    worker = home.start("work", "--drain", "--watch")
    assert worker.stdout is not None
    worker.stdout.readline()
    worker.stdout.close()
    assert worker.stderr is not None
    with worker.stderr:
        err = worker.stderr.read()
    assert worker.wait(60) == 0, err
    assert "Traceback" not in err
    assert home.balance(run_id).written == 600


@pytest.mark.extended
def test_status_is_drawn_again_until_ctrl_c(home: Home) -> None:
    home.fill(30)
    run_id = home.run("enqueue", "--task", "road_signs")["run_id"]
    terminal = on_terminal(home, "status", "--watch")
    terminal.until(lambda text: text.count(run_id) >= 2)
    terminal.press_ctrl_c()
    assert terminal.to_the_end() == 130
    text = terminal.plain
    assert "60 queued" in text
    assert re.search(r"queue +30 ready +0 leased", text)
    assert terminal.text.rindex(SHOWN) > terminal.text.rindex(HIDDEN)


@pytest.mark.extended
def test_on_a_pipe_status_prints_a_line_of_json_each_time(home: Home) -> None:
    home.fill(30)
    run_id = home.run("enqueue", "--task", "road_signs")["run_id"]
    watcher = home.start("status", "--watch", "--run", run_id)
    first = lines_until(watcher, lambda line: line["left"] == 60)
    home.run("work", "--drain")
    last = lines_until(watcher, lambda line: line["left"] == 0)[-1]
    watcher.send_signal(signal.SIGINT)
    watcher.communicate(timeout=GIVE_UP_S)
    assert watcher.returncode == 130
    assert first[0]["runs"][0]["run_id"] == run_id
    assert last["runs"][0]["written"] == 60
    assert last["cost_usd"] > 0
    assert last["at"] > first[0]["at"]


def test_a_check_looks_once(home: Home) -> None:
    output = home.run("status", "--watch", "--check", code=2)
    assert "--check looks once; leave out --watch" in output
