"""Lets workers see each other in a bucket, where the metadata of objects are their reports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from statistics import fmean
from threading import Lock
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sightline.gcp.failures import STORAGE
from sightline.gcp.storage.client import StoragePlace, open_storage
from sightline.gcp.storage.uri import BucketPrefix
from sightline.ports import MEMORY_LASTS_S, PeerRates, PeerReport, QuotaBelief, Remembered

EVERY_S = 15.0
"""How often workers report: two requests each time, which cost some cents per day and worker."""

REPORTS_LAST = timedelta(seconds=3 * EVERY_S)
REMOVED_AFTER = timedelta(hours=1)
MEMORY_LASTS = timedelta(seconds=MEMORY_LASTS_S)
"""The age at which workers remove the object of a worker that was killed or left. The longer one is
for the object with the latest belief of a quota."""

BELIEF = ".quota"
"""The ending of the keys, after the kind of calls, whose values are beliefs of quotas, as JSON."""

MOST_PER_S = 1_000_000.0
"""The highest rate that a limit may have; no worker reports more."""

FOLDER = "sightline-workers"
"""The folder of the workers' objects and of nothing else, since old objects in it are removed."""

_REQUEST_OPTIONS = {"timeout": 5.0, "retry": None}
"""A failed report is not retried, since another follows soon, and a stopping worker waits for it.
"""

_ABSENT = "create the bucket, or set worker.peers to an existing one"
_BELIEF = TypeAdapter(QuotaBelief)
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
        self._beliefs: dict[str, str] = {}
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

    async def report(
        self, worker_id: str, reports: Mapping[str, PeerReport]
    ) -> Mapping[str, PeerRates]:
        """See ``Peers``.

        Raises:
            NotFoundError, ConfigurationError, TransientError: see ``sightline.gcp.failures``.
        """
        return await asyncio.to_thread(self._report, worker_id, reports)

    async def leave(self, worker_id: str) -> None:
        """See ``Peers``; raises as ``report`` does."""
        await asyncio.to_thread(self._leave, worker_id)

    def _report(self, worker_id: str, reports: Mapping[str, PeerReport]) -> Mapping[str, PeerRates]:
        with self._one_at_a_time, STORAGE.translated(self._root.uri(), absent=_ABSENT):
            client = self._open()
            own = self._object(client, worker_id)
            beliefs = _beliefs_text(reports)
            self._beliefs |= beliefs
            rates = {kind: str(report.rate_per_s) for kind, report in reports.items()}
            self._write(own, rates | beliefs)
            prefix = self._root.name(f"{FOLDER}/")
            blobs = list(
                client.list_blobs(
                    self._root.bucket, prefix=prefix, fields=_FIELDS, **_REQUEST_OPTIONS
                )
            )
            remembered = _remembered(blobs, own.updated)
            for blob in blobs:
                age = own.updated - blob.updated
                if age > MEMORY_LASTS or (age > REMOVED_AFTER and blob.name not in remembered):
                    self._remove(blob)
        return _rates(blobs, own.updated - REPORTS_LAST, remembered)

    def _leave(self, worker_id: str) -> None:
        with self._one_at_a_time:
            if self._client is None:
                return
            with STORAGE.translated(self._root.uri(), absent=_ABSENT):
                own = self._object(self._client, worker_id)
                if self._beliefs:
                    self._write(own, self._beliefs)
                else:
                    self._remove(own)

    @staticmethod
    def _write(blob: Any, metadata: Mapping[str, str]) -> None:
        blob.metadata = dict(metadata)
        blob.upload_from_string(b"", **_REQUEST_OPTIONS)

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


def _beliefs_text(reports: Mapping[str, PeerReport]) -> dict[str, str]:
    return {
        f"{kind}{BELIEF}": json.dumps(asdict(report.belief))
        for kind, report in reports.items()
        if report.belief is not None
    }


def _remembered(blobs: Iterable[Any], now: datetime) -> dict[str, dict[str, Remembered]]:
    """Return the latest belief about each kind, by the name of the object that has it."""
    latest: dict[str, tuple[str, Remembered]] = {}
    for blob in sorted(blobs, key=lambda each: each.updated):
        age = max(now - blob.updated, timedelta(0))
        for key, text in (blob.metadata or {}).items():
            belief = _belief(text) if key.endswith(BELIEF) and age <= MEMORY_LASTS else None
            if belief is not None:
                latest[key.removesuffix(BELIEF)] = (
                    blob.name,
                    Remembered(belief, age.total_seconds()),
                )
    by_name: dict[str, dict[str, Remembered]] = {}
    for kind, (name, remembered) in latest.items():
        by_name.setdefault(name, {})[kind] = remembered
    return by_name


def _rates(
    blobs: Iterable[Any], since: datetime, remembered: Mapping[str, Mapping[str, Remembered]]
) -> Mapping[str, PeerRates]:
    """Return the rates reported since then; ignores metadata that are not rates."""
    reported: dict[str, list[float]] = {}
    for blob in blobs:
        if blob.updated >= since:
            for kind, text in (blob.metadata or {}).items():
                if not kind.endswith(BELIEF) and (rate := _rate(text)) is not None:
                    reported.setdefault(kind, []).append(rate)
    known = {kind: each for by_kind in remembered.values() for kind, each in by_kind.items()}
    return {
        kind: PeerRates(len(rates), fmean(rates), known.get(kind))
        for kind, rates in reported.items()
    }


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 <= rate <= MOST_PER_S else None


def _belief(text: str) -> QuotaBelief | None:
    """Return a belief, or ``None`` if the text is not one."""
    try:
        belief = _BELIEF.validate_json(text)
    except ValidationError:
        return None
    return belief if 0 < belief.rate_per_s <= MOST_PER_S and 0 <= belief.usual < 1 else None
