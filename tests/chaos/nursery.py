"""Processes without the second that importing takes: one that has imported everything forks them.

They are processes like any other: each has its own memory, signals, files and end. What they do not
have is a start of the interpreter; ``tests/chaos/test_kills.py`` starts the command line itself.
All live in one mount namespace, where they share a disk that can be full (``disk.py``).
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from tests.chaos.cast import Casting, play
from tests.conftest import CHECKOUT

GONE = -1000
"""The status of a process that the nursery does not know, or told of already."""

_MAIN = "import os; from tests.chaos.nursery import main; main({}); os._exit(0)"

LATER = (
    "aiohttp", "duckdb", "google.auth.credentials", "google.auth.transport.requests",
    "google.pubsub_v1.services.publisher", "google.pubsub_v1.services.subscriber", "grpc.aio",
    "numpy.ma", "pyarrow.dataset", "pyarrow.parquet", "sightline.gcp.embedding",
    "sightline.gcp.gemini", "sightline.gcp.pubsub", "sightline.gcp.pubsub.setup",
    "sightline.local.images", "sightline.local.queue", "sightline.local.warehouse",
    "sightline.wiring.cloud", "sightline.wiring.local", "tests.chaos.errands",
)  # fmt: skip

Result = TypeVar("Result")


class ErrandError(Exception):
    """What was to be done in the nursery's namespace failed; the text is its traceback."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A function to be called in a process of its own, where the nursery is."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class Nursery:
    """The other end of the nursery: starts processes, and says how they ended."""

    def __init__(self, connection: Connection, pid: int) -> None:
        self._connection = connection
        self.pid = pid

    def start(self, casting: Casting) -> int:
        """Start a process; return its pid, which nobody else has until its end is asked for."""
        self._connection.send(casting)
        return int(self._connection.recv())

    def status(self, pid: int) -> int | None:
        """Return how a process ended: its status, or minus its signal; ``None`` while it lives."""
        self._connection.send(pid)
        status: int | None = self._connection.recv()
        return status

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in a process of its own; return what it returns.

        Raises:
            ErrandError: it raised something.
        """
        self._connection.send(Errand(function, arguments))
        done, result = pickle.loads(self._connection.recv_bytes())
        if not done:
            raise ErrandError(result)
        return result  # type: ignore[no-any-return]  # it is what the function returned


@contextmanager
def run_nursery() -> Iterator[Nursery]:
    """Run a nursery; what it started is killed at the end."""
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        [
            "unshare", "--map-root-user", "--mount",
            sys.executable, "-c", _MAIN.format(theirs.fileno()),
        ],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        cwd=CHECKOUT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        theirs.close()
        with Connection(ours.detach()) as connection:
            yield Nursery(connection, process.pid)


def main(descriptor: int) -> None:
    """Start and reap processes until the other end is closed."""
    _import_everything()
    gc.collect()
    gc.freeze()  # no collection looks at what is shared, which would copy it
    children: set[int] = set()
    with Connection(descriptor) as connection:
        while (order := _next(connection)) is not None:
            if isinstance(order, Casting):
                if (pid := os.fork()) == 0:
                    connection.close()
                    os._exit(_begin(order))
                children.add(pid)
                connection.send(pid)
            elif isinstance(order, Errand):
                connection.send_bytes(_run(order, connection))
            else:
                connection.send(_status(order, children))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _next(connection: Connection) -> Casting | Errand | int | None:
    try:
        order: Casting | Errand | int = connection.recv()
    except EOFError:
        return None
    return order


def _status(pid: int, children: set[int]) -> int | None:
    if pid not in children:
        return GONE
    ending, status = os.waitpid(pid, os.WNOHANG)
    if not ending:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _begin(casting: Casting) -> int:
    errors = os.open(casting.errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    return play(casting)


def _run(errand: Errand, connection: Connection) -> bytes:
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        connection.close()
        os.close(reading)
        with os.fdopen(writing, "wb") as file:
            file.write(_done(errand))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        result = file.read()
    os.waitpid(pid, 0)
    return result


def _done(errand: Errand) -> bytes:
    try:
        return pickle.dumps((True, errand.function(*errand.arguments)))
    except BaseException:  # noqa: BLE001 - who asked is told
        return pickle.dumps((False, traceback.format_exc()))


def _import_everything() -> None:
    """Import what processes import when they come to it, so that those who are forked have it."""
    for module in LATER:
        importlib.import_module(module)
