"""A timeout or a broken connection is transient: named as what it is, and the call made again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest
import requests
from google.api_core import exceptions
from requests.adapters import HTTPAdapter

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.failures import BATCH, BIGQUERY, BIGQUERY_APPEND, PUBSUB, STORAGE, TUNING
from sightline.gcp.storage.client import StoragePlace, first_bytes, open_storage
from sightline.gcp.translation import GoogleService

EMULATOR = "http://127.0.0.1:1"
RESET = requests.ConnectionError("('Connection aborted.', ConnectionResetError(104, 'reset'))")
PASSING = (requests.ConnectTimeout("connect"), requests.ReadTimeout("read"), RESET)
SERVICES = (BATCH, BIGQUERY, BIGQUERY_APPEND, PUBSUB, STORAGE, TUNING)
TIMEOUTS = (
    requests.ConnectTimeout("connect"),
    requests.ReadTimeout("read"),
    TimeoutError("timed out"),
    exceptions.DeadlineExceeded("deadline"),  # type: ignore[no-untyped-call]  # untyped there
    exceptions.GatewayTimeout("gateway"),  # type: ignore[no-untyped-call]  # as above
    exceptions.RetryError("retried", requests.ReadTimeout("read")),  # type: ignore[no-untyped-call]  # as above
    exceptions.RetryError("retried", None),  # type: ignore[no-untyped-call]  # as above
)


def error_from(service: GoogleService, error: Exception) -> Exception:
    """Return what an error of Google's libraries becomes."""
    with (
        pytest.raises((TransientError, ConfigurationError)) as caught,
        service.translated("the thing", absent="make it"),
    ):
        raise error
    return caught.value


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
@pytest.mark.parametrize("error", TIMEOUTS, ids=lambda error: type(error).__name__)
def test_a_timeout_of_any_service_is_transient_and_named(
    service: GoogleService, error: Exception
) -> None:
    ours = error_from(service, error)
    assert isinstance(ours, TransientError)
    assert str(ours).startswith(f"the thing: {service.name} did not answer in time (")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_broken_connection_is_transient(service: GoogleService) -> None:
    assert "is out of reach (ConnectionError); try again" in str(error_from(service, RESET))


@pytest.mark.parametrize(
    ("message", "transient"),
    [
        ("jobInternalError: failed to query: read tcp 127.0.0.1: i/o timeout", True),
        ("jobInternalError: context deadline exceeded", True),
        ("jobInternalError: read: connection reset by peer", True),
        ("jobInternalError: Syntax error: unexpected SELEC", False),
    ],
)
@pytest.mark.parametrize("kind", [exceptions.InternalServerError, exceptions.BadRequest])
def test_an_emulator_that_timed_out_within_has_not_refused_the_statement(
    kind: Callable[[str], Exception], message: str, transient: bool
) -> None:
    ours = error_from(BIGQUERY, kind(message))
    assert isinstance(ours, TransientError) == transient
    assert ("refuses" in str(ours)) != transient


class Broken:
    """The transport of Google's libraries, which fails so often before it answers."""

    def __init__(self, failures: list[Exception], content: bytes) -> None:
        self.failures = failures
        self.content = content
        self.calls = 0

    def send(self, request: requests.PreparedRequest, **__: object) -> object:
        """Take the place of ``HTTPAdapter.send``."""
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response.url = request.url or ""
        response.headers["Content-Type"] = "application/json"
        response._content = self.content
        return response


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Exception], bytes], Broken]:
    """Return a function that puts a broken transport in the place of the network."""

    def use(failures: list[Exception], content: bytes) -> Broken:
        transport = Broken(failures, content)
        monkeypatch.setattr(HTTPAdapter, "send", transport.send)
        return transport

    return use


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
async def test_bigquery_is_asked_again(
    broken: Callable[[list[Exception], bytes], Broken], error: Exception
) -> None:
    transport = broken([error, error], b'{"tables": []}')
    async with BigQueryClient.open(BigQueryPlace("p", "d", endpoint=EMULATOR)) as client:
        assert await client.tables() == {}
    assert transport.calls == 3


@pytest.mark.parametrize(
    ("error", "calls"), [(PASSING[0], 2), (PASSING[1], 1), (PASSING[2], 1)], ids=repr
)
async def test_a_statement_that_an_emulator_may_have_run_is_not_run_again(
    broken: Callable[[list[Exception], bytes], Broken], error: Exception, calls: int
) -> None:
    transport = broken([error], b'{"jobComplete": true, "schema": {"fields": []}}')
    async with BigQueryClient.open(BigQueryPlace("p", "d", endpoint=EMULATOR)) as client:
        with suppress(TransientError):
            await client.execute("INSERT INTO d.t VALUES (1)")
    assert transport.calls == calls


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_cloud_storage_is_asked_again(
    broken: Callable[[list[Exception], bytes], Broken], error: Exception
) -> None:
    transport = broken([error], b'{"name": "images"}')
    place = StoragePlace("p", EMULATOR)
    with open_storage(place) as client:
        assert client.get_bucket("images", **place.request_options()).name == "images"
    assert transport.calls == 2


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = StoragePlace("p", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with open_storage(place) as client, pytest.raises(TransientError, match="out of reach"):
            first_bytes(client, place, "gs://images/a.jpg", 10)


def test_a_search_for_a_lasting_timeout_ends(
    broken: Callable[[list[Exception], bytes], Broken], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.gcp.bigquery.client.RETRY_S", 0.2)
    broken([requests.ReadTimeout("read") for _ in range(1000)], b"{}")

    async def ask() -> None:
        async with BigQueryClient.open(BigQueryPlace("p", "d", endpoint=EMULATOR)) as client:
            await client.tables()

    with pytest.raises(TransientError, match="BigQuery did not answer in time"):
        asyncio.run(ask())
