"""The servers that stand in for Google Cloud, each on a port of its own, and how they end.

A server lives as long as its standard input: when the test process ends, however it ends, the
pipe closes and a shell beside the server kills it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.build_tools import place

CHECKOUT = Path(__file__).parents[1]
START_TIMEOUT_S = 120.0
PORT_TRIES = 5
TAKEN = "address already in use"
"""What a server says when another one has its port."""
BUILD_TIMEOUT_S = 1800.0

UNTIL_INPUT_ENDS = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; kill -9 $server; } 2>/dev/null &
wait $server
"""


class ServerError(Exception):
    """A server cannot be built, or does not start."""


@dataclass(frozen=True, slots=True)
class PubSubEmulator:
    """Google's Pub/Sub emulator; ``endpoint`` is its host and port."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Pstest:
    """The Pub/Sub server of Google's Go client, whose clock a test moves."""

    endpoint: str
    process: subprocess.Popen[str]

    def advance(self, seconds: float) -> None:
        """Let the server's time pass."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == f"{seconds}"


@dataclass(frozen=True, slots=True)
class BigQueryEmulator:
    """The BigQuery emulator: a URL for REST, a host and port for the Storage APIs.

    ``dataset`` names one that was in its database from the start, if any.
    """

    project: str
    endpoint: str
    storage_endpoint: str
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class GcsServer:
    """The Cloud Storage server; ``endpoint`` is its URL."""

    endpoint: str


def built(tool: str) -> str:
    """Return where a tool lies; it is built first where that was not done yet."""
    path = place(tool)
    if path.is_file():
        return str(path)
    build = [sys.executable, str(CHECKOUT / "scripts" / "build_tools.py"), tool]
    done = subprocess.run(
        build, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise ServerError(done.stderr)
    return str(path)


@contextmanager
def run_bigquery_emulator(
    log: Path, *, database: Path | None = None, dataset: str = ""
) -> Iterator[BigQueryEmulator]:
    """Run the BigQuery emulator, and wait until it answers.

    It keeps what it is given in the file ``database``, else in one that is removed afterwards: its
    own temporary file would stay. ``dataset`` is in that file.
    """

    def command(ports: Sequence[int]) -> list[str]:
        return [
            built("bigquery-emulator"), "--project=sightline-test", "--host=127.0.0.1",
            f"--port={ports[0]}", f"--grpc-port={ports[1]}", f"--database={file}",
        ]  # fmt: skip

    path = "bigquery/v2/projects/sightline-test/datasets"
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(dir=log.parent))
        file = database or Path(folder) / "bigquery.db"
        rest, storage = stack.enter_context(_on_free_ports(2, command, path, log))
        endpoint = f"http://127.0.0.1:{rest}"
        yield BigQueryEmulator("sightline-test", endpoint, f"127.0.0.1:{storage}", dataset)


@contextmanager
def run_gcs(log: Path) -> Iterator[GcsServer]:
    """Run the Cloud Storage server, and wait until it answers."""

    def command(ports: Sequence[int]) -> list[str]:
        (port,) = ports
        return [
            built("fake-gcs-server"), "-scheme=http", "-host=127.0.0.1", f"-port={port}",
            "-backend=memory", f"-public-host=127.0.0.1:{port}", "-log-level=error",
        ]  # fmt: skip

    with _on_free_ports(1, command, "_internal/healthcheck", log) as (port,):
        yield GcsServer(f"http://127.0.0.1:{port}")


@contextmanager
def run_pstest(log: Path, *, port: int = 0) -> Iterator[Pstest]:
    """Run pstest, on any free port unless told; it is built first where that was not done yet."""
    with process([built("pstest"), f"127.0.0.1:{port}"], log) as server:
        assert server.stdout is not None
        endpoint = server.stdout.readline().strip()
        if not endpoint:
            raise ServerError(f"pstest does not start: {log.read_text(encoding='utf-8')}")
        yield Pstest(endpoint, server)


def pubsub_emulator_jar() -> Path | None:
    """Return Google's emulator in the Cloud SDK that ``gcloud`` on the path belongs to, if any."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    folder = Path(gcloud).resolve().parents[1] / "platform" / "pubsub-emulator" / "lib"
    return next(iter(sorted(folder.glob("cloud-pubsub-emulator-*.jar"), reverse=True)), None)


@contextmanager
def run_pubsub_emulator(log: Path, *, port: int = 0) -> Iterator[PubSubEmulator]:
    """Run Google's emulator, on any free port unless told, and wait until it answers."""
    jar = pubsub_emulator_jar()
    if jar is None:
        raise ServerError("Google's Pub/Sub emulator is absent; install gcloud and Java")
    flags = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]

    def command(ports: Sequence[int]) -> list[str]:
        java = ["java", *flags, "-jar", str(jar)]
        return [*java, "--host=127.0.0.1", f"--port={port or ports[0]}"]

    path = "v1/projects/any-project/topics"
    with _on_free_ports(1, command, path, log, fixed=port) as (taken,):
        yield PubSubEmulator(f"127.0.0.1:{taken}")


@contextmanager
def _on_free_ports(
    count: int,
    command: Callable[[Sequence[int]], Sequence[str]],
    path: str,
    log: Path,
    *,
    fixed: int = 0,
) -> Iterator[Sequence[int]]:
    """Run a server that is told its ports, and wait until it answers under a path on the first.

    A port that was free a moment ago may be taken when the server binds it: then others are tried,
    unless the port is ``fixed``.
    """
    for tries_left in range(PORT_TRIES - 1, -1, -1):
        ports = [fixed or _free_port() for _ in range(count)]
        with ExitStack() as running:
            arguments = ["sh", "-c", UNTIL_INPUT_ENDS, "sh", *command(ports)]
            server = running.enter_context(process(arguments, log))
            try:
                _wait_for(f"http://127.0.0.1:{ports[0]}/{path}", server, log)
            except ServerError:
                if fixed or not tries_left or TAKEN not in log.read_text(encoding="utf-8").lower():
                    raise
                continue
            yield ports
            return


@contextmanager
def process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a command that ends when its standard input does; ``log`` takes its errors."""
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as server,
    ):
        try:
            yield server
        finally:
            assert server.stdin is not None
            server.stdin.close()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[str], log: Path) -> None:
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    raise ServerError(f"{url} does not answer: {log.read_text(encoding='utf-8')[-2000:]}")
