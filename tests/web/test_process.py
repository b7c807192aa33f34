"""The command as a process: its URL, its ends, and a port that is taken."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.waiting import wait_until

Gallery = tuple["subprocess.Popen[str]", str]


@contextmanager
def gallery(home: Path, *options: str) -> Iterator[Gallery]:
    """Yield the process and its URL."""
    command = [sys.executable, "-m", "sightline", "--home", str(home), "gallery", "--port", "0"]
    environment = {name: text for name, text in os.environ.items() if "SIGHTLINE" not in name}
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.kill()


@contextmanager
def signed_in(url: str) -> Iterator[httpx.Client]:
    base = url.partition("/sign-in")[0]
    with httpx.Client(base_url=base, follow_redirects=True, timeout=600) as browser:
        assert browser.get(url).status_code == 200
        yield browser


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_though_somebody_watches_a_run(
    scenes_folder: Path, number: int
) -> None:
    with gallery(scenes_folder / ".sightline") as (process, url), signed_in(url) as browser:
        first = threading.Event()
        ended = threading.Event()

        def watch() -> None:
            with browser.stream("GET", "/api/run/events", timeout=None) as response:
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        assert json.loads(line[6:])["left"] == 0
                        first.set()
            ended.set()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        assert first.wait(600)
        process.send_signal(number)
        assert process.wait(600) == 0
        assert ended.wait(600)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_link_opens_one_session_and_the_next_is_printed(scenes_folder: Path) -> None:
    with gallery(scenes_folder / ".sightline") as (process, url), signed_in(url) as browser:
        assert browser.get("/api/me").json()["role"] == "owner"
        assert httpx.get(url).status_code == 401
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("for another browser: http://127.0.0.1:")
        with signed_in(line.rpartition(" ")[2].strip()) as other:
            assert other.get("/api/me").json()["role"] == "owner"


def test_a_port_that_is_taken_is_reported(scenes_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with gallery(scenes_folder / ".sightline", "--port", port) as (process, _):
            assert process.wait(600) == 3
            assert process.stderr is not None
            assert process.stderr.read() == (
                f"sightline: port {port} is in use; give another --port, or 0 for any\n"
            )


def test_another_address_needs_tokens(scenes_folder: Path, tmp_path: Path) -> None:
    home = scenes_folder / ".sightline"
    with gallery(home, "--host", "0.0.0.0") as (process, _):
        assert process.wait(600) == 2
        assert process.stderr is not None
        assert "add --token-file FILE" in process.stderr.read()
    tokens = tmp_path / "tokens"
    tokens.write_text(f"viewer {'v' * 30}\n")
    tokens.chmod(0o644)
    with gallery(home, "--host", "0.0.0.0", "--token-file", str(tokens)) as (process, _):
        assert process.wait(600) == 2
        assert process.stderr is not None
        assert f"chmod 600 {tokens}" in process.stderr.read()
    tokens.chmod(0o600)
    with gallery(home, "--host", "0.0.0.0", "--token-file", str(tokens)) as (process, url):
        port = urlsplit(url).port
        headers = {"authorization": f"Bearer {'v' * 30}"}
        address = f"http://127.0.0.1:{port}/api/me"
        assert httpx.get(address, headers=headers).json()["role"] == "viewer"
        tokens.write_text(f"owner {'o' * 30}\n")
        assert httpx.get(address, headers=headers).status_code == 401


def test_a_listener_that_goes_away_ends_its_stream_alone(scenes_folder: Path) -> None:
    with gallery(scenes_folder / ".sightline") as (_, url), signed_in(url) as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        for _ in range(3):
            connection = HTTPConnection(urlsplit(url).netloc)
            connection.request("GET", "/api/run/events", headers={"cookie": cookie})
            assert connection.getresponse().status == 200
            connection.close()
        wait_until(lambda: browser.get("/api/run").json()["left"] == 0)
