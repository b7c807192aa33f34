"""Lets workers see each other in a bucket, where each has an object with its rates as metadata."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from statistics import fmean
from threading import Lock
from typing import Any

from sightline.gcp.failures import STORAGE
from sightline.gcp.storage.client import StoragePlace, open_storage
from sightline.gcp.storage.uri import BucketPrefix
from sightline.ports import PeerRates

EVERY_S = 15.0
"""How often workers report: two requests each time, which cost some cents per day and worker."""

REPORTS_LAST = timedelta(seconds=3 * EVERY_S)
REMOVED_AFTER = timedelta(hours=1)
"""The age at which workers remove the object of a killed worker."""

MOST_PER_S = 1_000_000.0
"""The highest rate that a limit may have; no worker reports more."""

FOLDER = "sightline-workers"
"""The folder of the workers' objects and of nothing else, since old objects in it are removed."""

_REQUEST_OPTIONS = {"timeout": 5.0, "retry": None}
"""A failed report is not retried, since another follows soon, and a stopping worker waits for it.
"""

_ABSENT = "create the bucket, or set worker.peers to an existing one"
_FIELDS = "items(name,updated,metadata),nextPageToken"


class BucketPeers:
    """Implements ``Peers`` with a bucket. Reports are timed by Cloud Storage's clock."""

    seen = True
    every_s = EVERY_S

    def __init__(
        self, root: BucketPrefix, place: StoragePlace, credentials: Callable[[], Any]
    ) -> None:
        self._root = root
        self._place = place
        self._credentials = credentials
        self._client: Any = None
        self._opened = ExitStack()
        self._one_at_a_time = Lock()  # so that no report is written after ``leave``

    @classmethod
    @asynccontextmanager
    async def open(
        cls, root: BucketPrefix, place: StoragePlace, credentials: Callable[[], Any]
    ) -> AsyncIterator[BucketPeers]:
        """Yield the peers; the client is opened with the first report."""
        peers = cls(root, place, credentials)
        try:
            yield peers
        finally:
            peers._opened.close()

    async def report(self, worker_id: str, rates: Mapping[str, float]) -> Mapping[str, PeerRates]:
        """See ``Peers``.

        Raises:
            NotFoundError, ConfigurationError, TransientError: see ``sightline.gcp.failures``.
        """
        return await asyncio.to_thread(self._report, worker_id, rates)

    async def leave(self, worker_id: str) -> None:
        """See ``Peers``; raises as ``report`` does."""
        await asyncio.to_thread(self._leave, worker_id)

    def _report(self, worker_id: str, rates: Mapping[str, float]) -> Mapping[str, PeerRates]:
        with self._one_at_a_time, STORAGE.translated(self._root.uri(), absent=_ABSENT):
            client = self._open()
            own = self._object(client, worker_id)
            own.metadata = {kind: str(rate) for kind, rate in rates.items()}
            own.upload_from_string(b"", **_REQUEST_OPTIONS)
            prefix = self._root.name(f"{FOLDER}/")
            blobs = list(
                client.list_blobs(
                    self._root.bucket, prefix=prefix, fields=_FIELDS, **_REQUEST_OPTIONS
                )
            )
            for blob in blobs:
                if own.updated - blob.updated > REMOVED_AFTER:
                    self._remove(blob)
        return _rates(blobs, since=own.updated - REPORTS_LAST)

    def _leave(self, worker_id: str) -> None:
        with self._one_at_a_time:
            if self._client is None:
                return
            with STORAGE.translated(self._root.uri(), absent=_ABSENT):
                self._remove(self._object(self._client, worker_id))

    def _object(self, client: Any, worker_id: str) -> Any:
        return client.bucket(self._root.bucket).blob(self._root.name(f"{FOLDER}/{worker_id}"))

    @staticmethod
    def _remove(blob: Any) -> None:
        from google.api_core.exceptions import NotFound

        with suppress(NotFound):  # another worker was faster
            blob.delete(**_REQUEST_OPTIONS)

    def _open(self) -> Any:
        if self._client is None:
            opening = open_storage(self._place, self._credentials())
            self._client = self._opened.enter_context(opening)
        return self._client


def _rates(blobs: Iterable[Any], since: datetime) -> Mapping[str, PeerRates]:
    """Return the rates reported since then; ignores metadata that are not rates."""
    reported: dict[str, list[float]] = {}
    for blob in blobs:
        if blob.updated >= since:
            for kind, text in (blob.metadata or {}).items():
                if (rate := _rate(text)) is not None:
                    reported.setdefault(kind, []).append(rate)
    return {kind: PeerRates(len(rates), fmean(rates)) for kind, rates in reported.items()}


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 <= rate <= MOST_PER_S else None
