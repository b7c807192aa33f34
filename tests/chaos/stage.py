"""What all rounds share: the nursery with its disk, the models' simulator, a Pub/Sub server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.servers import Pstest, run_pstest
from tests.chaos import disk
from tests.chaos.models import Simulator, open_models_server
from tests.chaos.nursery import Nursery, run_nursery


class PubSub:
    """A Pub/Sub server that is started when it is first needed, and can be restarted.

    It forgets everything when it is. Nobody may hold a lease then: pstest ends with a fault of its
    own when a lease is extended whose subscription it does not know.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._running = ExitStack()
        self._server: Pstest | None = None

    @property
    def server(self) -> Pstest:
        """The server."""
        if self._server is None:
            self._server = self._running.enter_context(run_pstest(self._log))
        return self._server

    def restart(self) -> None:
        """End the server and start another on the same port."""
        port = int(self.server.endpoint.rpartition(":")[2])
        self.close()
        self._server = self._running.enter_context(run_pstest(self._log, port=port))

    def close(self) -> None:
        """End the server."""
        self._server = None
        self._running.close()


@dataclass(frozen=True, slots=True)
class Stage:
    """Running servers, and the disk that the nursery's processes share."""

    nursery: Nursery
    models: Simulator
    pubsub: PubSub
    disk: Path


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Run all servers; a disk is mounted at a folder of this folder, for the nursery alone."""
    place = folder / "disk"
    place.mkdir()
    with run_nursery() as nursery, open_models_server(folder / "models.log") as models:
        mount_for_all(nursery, place)
        pubsub = PubSub(folder / "pubsub.log")
        try:
            yield Stage(nursery, models, pubsub, place)
        finally:
            pubsub.close()


def mount_for_all(nursery: Nursery, place: Path) -> None:
    """Mount a disk where every process of the nursery sees it."""
    nursery.call(disk.mount_disk, place)
