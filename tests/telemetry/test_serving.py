"""The metrics endpoint answers who names it: on loopback, and where it is opened to others."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Gauge

from sightline.errors import ConfigurationError
from sightline.http_client.hosts import parse_names
from sightline.settings import load_settings
from worker.telemetry.serving import serving_metrics

REGISTRY = CollectorRegistry()
Gauge("things", "Some.", registry=REGISTRY).set(7)
ANY_ADDRESS = "0.0.0.0"


def ask(port: int, *headers: tuple[str, str], path: str = "/metrics") -> tuple[int, bytes]:
    """Return the status and the body of a request with just these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_on_loopback_it_is_asked_by_loopback_s_names_alone() -> None:
    with serving_metrics("127.0.0.1", 0, REGISTRY) as url:
        port = urlsplit(url).port or 0
        for name in ("127.0.0.1", "localhost", "[::1]"):
            status, body = ask(port, ("Host", f"{name}:{port}"))
            assert (status, b"things 7.0" in body) == (200, True)
        for host in (f"evil.example:{port}", f"10.0.0.7:{port}", "localhost", "", "a b"):
            for path in ("/metrics", "/", "/favicon.ico"):
                status, body = ask(port, ("Host", host), path=path)
                assert (status, b"things" in body) == (421, False)
        assert ask(port)[0] == 421
        twice = (("Host", f"localhost:{port}"), ("Host", "evil.example"))
        assert ask(port, *twice)[0] == 421
        own = ("Host", f"localhost:{port}")
        assert ask(port, own, ("Origin", "http://evil.example"))[0] == 403
        assert ask(port, own, ("Origin", f"http://localhost:{port}"))[0] == 200


def test_opened_to_others_it_is_asked_by_addresses_and_the_names_that_are_set() -> None:
    names = parse_names(["worker"])
    with serving_metrics(ANY_ADDRESS, 0, REGISTRY, names=names) as url:
        port = urlsplit(url).port or 0
        for host in (f"10.12.0.7:{port}", f"127.0.0.1:{port}", f"worker:{port}", "localhost:1"):
            assert ask(port, ("Host", host))[0] == 200
        assert ask(port, ("Host", f"evil.example:{port}"))[0] == 421


@pytest.mark.parametrize("names", ["a b", "http://h", "me:geheim@h", "h:port"])
def test_what_is_no_name_is_not_accepted(names: str) -> None:
    with pytest.raises(ConfigurationError, match=r"telemetry\.prometheus_hosts") as caught:
        load_settings(environment={}, overrides={"telemetry": {"prometheus_hosts": names}})
    assert "geheim" not in str(caught.value)


def test_names_are_read_with_commas_between_them() -> None:
    own = {"telemetry": {"prometheus_hosts": "worker, worker.lan:9464"}}
    names = load_settings(environment={}, overrides=own).telemetry.host_names
    assert names == ["worker", "worker.lan:9464"]
