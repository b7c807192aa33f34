"""Opens google-cloud-storage's client, and reads the first bytes of an object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sightline.gcp.failures import STORAGE
from sightline.gcp.storage.uri import bucket_and_name
from sightline.gcp.translation import is_transient, needed_for

TIMEOUT_S = 60.0
RETRY_S = 120.0
"""How long the library retries a call; on an emulator, only after timeouts and lost connections."""
_IMAGE_GONE = "images expire about 35 days after their snapshot, so take a newer one"


@dataclass(frozen=True, slots=True)
class StoragePlace:
    """The billed project, and the URL of an emulator, which is called without credentials."""

    project: str
    endpoint: str | None = None

    def request_options(self) -> dict[str, Any]:
        """Return the timeout and the retries of calls."""
        from google.api_core.retry import Retry
        from google.cloud.storage.retry import (  # type: ignore[import-untyped]  # ships no types
            DEFAULT_RETRY,
        )

        real = self.endpoint is None
        retry = DEFAULT_RETRY if real else Retry(predicate=is_transient, initial=0.05, maximum=1.0)
        return {"timeout": TIMEOUT_S, "retry": retry.with_timeout(RETRY_S)}


@contextmanager
def open_storage(
    place: StoragePlace, credentials: Any = None, *, connections: int = 10
) -> Iterator[Any]:
    """Open the library's client, for ``connections`` threads, without sending a request.

    Raises:
        ConfigurationError: the library is not installed, or there are no credentials.
    """
    with needed_for("Cloud Storage"):
        from google.cloud import storage  # type: ignore[attr-defined]  # ships no types
    from google.auth.credentials import AnonymousCredentials

    with STORAGE.translated("Cloud Storage", absent="correct gcs.endpoint"):
        if place.endpoint is None:
            client = storage.Client(place.project, credentials=credentials)
        else:
            client = storage.Client(
                place.project,
                credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]  # untyped there
                client_options={"api_endpoint": place.endpoint},
            )
    _widen(client, connections)
    try:
        yield client
    finally:
        client.close()


def _widen(client: Any, connections: int) -> None:
    """Keep a connection for each thread; by default, those beyond ten are discarded."""
    from requests.adapters import HTTPAdapter

    adapter = HTTPAdapter(pool_connections=connections, pool_maxsize=connections)
    for scheme in ("https://", "http://"):
        client._http.mount(scheme, adapter)  # noqa: SLF001 - no other way to its session


def first_bytes(client: Any, place: StoragePlace, uri: str, count: int) -> bytes:
    """Return the first bytes of an object.

    Raises:
        NotFoundError, ConfigurationError, TransientError: see ``sightline.gcp.failures``.
    """
    bucket, name = bucket_and_name(uri)
    blob = client.bucket(bucket).blob(name)
    with STORAGE.translated(uri, absent=_IMAGE_GONE):
        content: bytes = blob.download_as_bytes(
            start=0, end=count - 1, checksum=None, **place.request_options()
        )
    return content
