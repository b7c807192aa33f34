"""The test servers for Google Cloud end with the test that started them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import cast

import pytest

from scripts import servers
from scripts.build_tools import place
from scripts.servers import CHECKOUT, run_pstest
from tests.conftest import pytest_runtest_setup
from tests.gcp.servers import Pstest, PubSubEmulator
from tests.waiting import GIVE_UP_S, wait_until

STARTER = """
import sys
from pathlib import Path
from scripts.servers import run_{name}
with run_{name}(Path(sys.argv[1])) as server:
    print(server.endpoint, flush=True)
    sys.stdin.read()
"""


def connected(endpoint: str) -> socket.socket:
    """Return a connection to a server."""
    host, port = endpoint.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=GIVE_UP_S)


def wait_for_its_end(server: socket.socket) -> None:
    """Wait until the other side closes a connection."""
    with contextlib.suppress(ConnectionResetError):
        while server.recv(4096):
            pass


def refuses(endpoint: str) -> bool:
    """Return whether no process listens there."""
    host, port = endpoint.removeprefix("http://").rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False  # it is just ending
    return False


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("pstest", marks=pytest.mark.needs("go")),
        pytest.param("pubsub_emulator", marks=pytest.mark.needs("pubsub-emulator")),
        pytest.param("bigquery_emulator", marks=pytest.mark.needs("go")),
        pytest.param("gcs", marks=pytest.mark.needs("go")),
    ],
)
def test_a_server_ends_with_the_process_that_started_it_even_when_killed(
    name: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", STARTER.format(name=name), str(log)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        endpoint = starter.stdout.readline().strip()
        with connected(endpoint) as server:
            starter.send_signal(signal.SIGKILL)
            wait_for_its_end(server)
    wait_until(lambda: refuses(endpoint))  # its sockets close one after the other


@pytest.mark.needs("go")
def test_a_server_ends_when_a_test_fails(tmp_path: Path) -> None:
    endpoint = ""
    with contextlib.suppress(ZeroDivisionError), run_pstest(tmp_path / "log") as server:
        endpoint = server.endpoint
        raise ZeroDivisionError
    assert refuses(endpoint)


@pytest.mark.needs("go")
@pytest.mark.parametrize("name", ["bigquery_emulator", "gcs"])
def test_a_server_leaves_no_file(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    log = tmp_path / "log"
    command = [sys.executable, "-c", STARTER.format(name=name), str(log)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith(b"http")
        starter.communicate(timeout=GIVE_UP_S)
    assert (list(folder.iterdir()), sorted(tmp_path.iterdir())) == ([], [log, folder])


@pytest.mark.needs("go")
def test_two_servers_do_not_share_a_port(pstest: Pstest, tmp_path: Path) -> None:
    with run_pstest(tmp_path / "log") as other:
        assert other.endpoint != pstest.endpoint


@pytest.mark.needs("pubsub-emulator")
def test_google_s_emulator_answers(pubsub_emulator: PubSubEmulator) -> None:
    url = f"http://{pubsub_emulator.endpoint}/v1/projects/any-project/topics"
    with urllib.request.urlopen(url, timeout=GIVE_UP_S) as answer:
        assert json.loads(answer.read() or b"{}") == {}


def test_an_unknown_tool_is_refused_by_name() -> None:
    script = str(CHECKOUT / "scripts" / "build_tools.py")
    completed = subprocess.run(
        [sys.executable, script, "x"], capture_output=True, text=True, check=False
    )
    assert (completed.returncode, "no tool x" in completed.stdout) == (2, True)


def test_a_missing_tool_needs_go_if_it_is_absent(tmp_path: Path) -> None:
    script = str(CHECKOUT / "scripts" / "build_tools.py")
    completed = subprocess.run(
        [sys.executable, script, "pstest"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(tmp_path), "TOOLS_CACHE": str(tmp_path)},
    )
    assert (completed.returncode, "Go is absent" in completed.stderr) == (3, True)


def test_tools_are_stored_where_the_setting_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOOLS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place("pstest").parents[1] == tmp_path / ".cache" / "sightline" / "tools"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert place("pstest").parents[1] == tmp_path / "caches" / "sightline" / "tools"
    monkeypatch.setenv("TOOLS_CACHE", str(tmp_path / "chosen"))
    assert place("pstest").parents[1] == tmp_path / "chosen"


@pytest.mark.parametrize(
    ("tool", "outcome"), [("pubsub-emulator", pytest.skip.Exception), ("go", pytest.fail.Exception)]
)
def test_in_continuous_integration_one_pubsub_server_is_enough(
    tool: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Item:
        def iter_markers(self, name: str) -> list[pytest.Mark]:
            return [pytest.Mark(name, (tool,), {}, _ispytest=True)]

    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(outcome, match=f"{tool} is absent"):
        pytest_runtest_setup(cast("pytest.Item", Item()))


@pytest.mark.needs("go")
def test_a_port_that_another_process_uses_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as occupied, socket.socket() as probe:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
        probe.close()
        ports = iter([occupied.getsockname()[1], free])
        monkeypatch.setattr(servers, "_free_port", lambda: next(ports))
        with servers.run_gcs(tmp_path / "log") as server:
            assert server.endpoint.endswith(f":{free}")
