"""How long it takes to begin: the command line, the library, and a worker on Google Cloud.

A worker's begin is timed until its first pull arrives at a Pub/Sub server that does nothing but
note the time; the rest of Google Cloud is an address that never answers.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import sightline as sl
from bench.figures import Figure, report
from scripts.stack import SETTINGS

ROUNDS = 11
WORKER_ROUNDS = 5
OBSERVATIONS = 100_000
TIMEOUT_S = 60.0
PULL = "/google.pubsub.v1.Subscriber/Pull"


def _seconds(command: Sequence[str]) -> float:
    """Return the median seconds of a command's whole process, after one run that is not counted."""
    durations_s = []
    for _ in range(ROUNDS + 1):
        started_s = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        durations_s.append(time.perf_counter() - started_s)
    return statistics.median(durations_s[1:])


@dataclass
class PullWatch:
    """Answers no pull, and notes when the first one of the work's subscription came."""

    seen_s: float = 0.0
    seen: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def service(self, call: Any) -> Any:
        """Return the handler of a call, as gRPC asks for it."""
        import grpc

        if call.method != PULL:
            return None
        return grpc.unary_unary_rpc_method_handler(self._pull)

    def _pull(self, request: bytes, _: Any) -> bytes:
        if not self.seen.is_set() and b"sightline-work-abandoned" not in request:
            self.seen_s = time.perf_counter()
            self.seen.set()
        self.over.wait(TIMEOUT_S)  # as Pub/Sub does while there is nothing
        return b""


@dataclass(frozen=True, slots=True)
class Start:
    """A worker from its exec to its first pull."""

    took_s: float
    processor_s: float
    peak_mib: float


@contextmanager
def _pull_server(watch: PullWatch) -> Iterator[str]:
    import grpc

    server = grpc.server(ThreadPoolExecutor(max_workers=8), handlers=(watch,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        watch.over.set()
        server.stop(grace=None).wait()


@contextmanager
def _silent_address() -> Iterator[str]:
    """Yield an address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"127.0.0.1:{silent.getsockname()[1]}"


def _worker_start(folder: Path) -> Start:
    """Return how a worker began, with these settings in a folder."""
    watch = PullWatch()
    with _pull_server(watch) as pubsub, _silent_address() as silent:
        settings = folder / "sightline.toml"
        settings.write_text(
            SETTINGS.format(
                project="bench",
                bigquery=f"http://{silent}",
                bigquery_storage=silent,
                pubsub=pubsub,
                gcs=f"http://{silent}",
                vertex=f"http://{silent}",
                bucket="bench",
            ),
            encoding="utf-8",
        )
        started_s = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "worker"],
            env={**os.environ, "SIGHTLINE_CONFIG": str(settings)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as worker:
            try:
                if not watch.seen.wait(TIMEOUT_S):
                    raise TimeoutError(f"no pull came within {TIMEOUT_S:g} s")
                took_s = watch.seen_s - started_s
                return Start(took_s, _processor_s(worker.pid), _peak_mib(worker.pid))
            finally:
                worker.kill()


def _processor_s(pid: int) -> float:
    """Return the processor time that a process has used; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    """Return the most memory that a process has had resident; Linux only."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _worker_figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        starts = [_worker_start(Path(folder)) for _ in range(WORKER_ROUNDS + 1)][1:]
    took_s = statistics.median(start.took_s for start in starts)
    processor_s = statistics.median(start.processor_s for start in starts)
    peak_mib = max(start.peak_mib for start in starts)
    note = f"median of {WORKER_ROUNDS}, worst {max(start.took_s for start in starts):.2f} s"
    return [
        Figure("worker on Google Cloud, exec to first pull", took_s, "s", 2.5, "lower", note),
        Figure("  its processor time until then", processor_s, "s", better="lower"),
        Figure("  its peak resident memory until then", peak_mib, "MiB", 190, "lower"),
    ]


def _import_observations(folder: Path, count: int) -> None:
    """Make a project of so many observations; their images are in a bucket, and are not read."""
    table = folder / "observations.parquet"
    names = [f"sign-{number:06}" for number in range(count)]
    columns = {
        "observation_id": names,
        "asset_id": names,
        "asset_type": ["road_sign"] * count,
        "gcs_uri": [f"gs://street/{name}.jpg" for name in names],
    }
    pq.write_table(pa.table(columns), table)
    with sl.open(folder) as workspace:
        workspace.import_images(table)


def _library_figures(python_s: float) -> Iterator[Figure]:
    """Yield how long an import takes, and opening a project; each in a process of its own."""
    imported_s = _seconds([sys.executable, "-c", "import sightline"])
    yield Figure("import sightline, over Python alone", imported_s - python_s, "s", 0.06, "lower")
    with tempfile.TemporaryDirectory() as folder:
        _import_observations(Path(folder), OBSERVATIONS)
        opening = f"import sightline as sl; workspace = sl.open({folder!r})"
        note = f"a project of {OBSERVATIONS:,} observations, Python and imports included"
        opened_s = _seconds([sys.executable, "-c", opening])
        yield Figure("sl.open", opened_s, "s", 1.0, "lower", note)
        estimated_s = _seconds([sys.executable, "-c", f"{opening}; workspace.estimate(limit=1)"])
        yield Figure("sl.open, and an estimate", estimated_s, "s", better="lower", note=note)


def run() -> list[Figure]:
    """Measure; about a minute."""
    python_s = _seconds([sys.executable, "-c", "pass"])
    help_s = _seconds([sys.executable, "-m", "sightline", "--help"])
    return [
        Figure("sightline --help", help_s, "s", 0.3, "lower", f"Python alone {python_s:.3f} s"),
        *_library_figures(python_s),
        *_worker_figures(),
    ]


if __name__ == "__main__":
    report("start", run())
