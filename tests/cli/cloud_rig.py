"""A settings file as ``sightline init`` writes it, with servers of tests behind it."""

from __future__ import annotations

import asyncio
import copy
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sightline.operations.starter_settings import Starter, starter_text
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.server import VertexSimulator
from tests.gcp.servers import BigQueryEmulator, GcsServer, Pstest, PubSubEmulator

NOBODY = "http://127.0.0.1:9"
"""Where nobody listens: the discard port."""


class CloudProject:
    """A dataset, topics and a bucket that nobody else uses; none of them is made yet."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        *,
        bigquery: BigQueryEmulator,
        pubsub: Pstest | PubSubEmulator | None = None,
        gcs: GcsServer | None = None,
    ) -> None:
        self.unique = uuid.uuid4().hex[:12]
        self.name = bigquery.project
        self.dataset = f"d_{self.unique}"
        self.bucket = f"bucket-{self.unique}"
        # The emulator lists the rows of a table by its short name, whatever dataset it is in.
        self.source = f"{self.name}.own_{self.unique}.photographs_{self.unique}"
        self._folder = folder
        self._patch = patch
        self._environment: dict[str, str] = {}
        starter = Starter("gcp", self.name, self.dataset, source=self.source, bucket=self.bucket)
        patch.chdir(folder)
        (folder / "sightline.toml").write_text(starter_text(starter))
        self.let("BIGQUERY__ENDPOINT", bigquery.endpoint)
        self.let("BIGQUERY__STORAGE_ENDPOINT", bigquery.storage_endpoint)
        self.let("PUBSUB__ENDPOINT", pubsub.endpoint if pubsub else NOBODY.partition("//")[2])
        self.let("GCS__ENDPOINT", gcs.endpoint if gcs else NOBODY)
        self.let("VERTEX__ENDPOINT", NOBODY)
        for port in ("TOPIC", "SUBSCRIPTION", "DEAD_LETTER_TOPIC", "DEAD_LETTER_SUBSCRIPTION"):
            self.let(f"PUBSUB__{port}", self.short(port.lower()))

    def let(self, setting: str, value: str) -> None:
        """Overrule a setting until the test ends."""
        self._environment[setting] = value
        self._patch.setenv(f"SIGHTLINE_{setting}", value)

    def within(self, patch: pytest.MonkeyPatch) -> CloudProject:
        """Return the same project for another test, with settings of its own to overrule."""
        again = copy.copy(self)
        again._patch, again._environment = patch, {}
        patch.chdir(self._folder)
        for setting, value in self._environment.items():
            again.let(setting, value)
        return again

    def short(self, port: str) -> str:
        """Return the short name of a topic or subscription, by its setting."""
        return f"{port.replace('_', '-')}-{self.unique}"


def make_bucket(gcs: GcsServer, name: str) -> Any:
    """Make a bucket, and return the library's object for it."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage  # type: ignore[attr-defined]  # ships no types

    client = storage.Client(
        "p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]  # untyped there
        client_options={"api_endpoint": gcs.endpoint},
    )
    return client.create_bucket(name)


@contextmanager
def simulator_beside(gcs: GcsServer | None = None) -> Iterator[VertexSimulator]:
    """Run the model simulator in a thread, since commands have an event loop of their own.

    Its jobs read and write the files of ``gcs``.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(work: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), loop).result(60)

    async def start() -> VertexSimulator:
        buckets = await stack.enter_async_context(Buckets.open(gcs.endpoint)) if gcs else None
        return await stack.enter_async_context(VertexSimulator(buckets=buckets))

    stack = AsyncExitStack()
    try:
        yield wait_for(start)
    finally:
        wait_for(stack.aclose)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
