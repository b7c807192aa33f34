"""Which names of a server are its own: loopback's, addresses where others may read, configured."""

from __future__ import annotations

import pytest

from sightline.http_client.hosts import HostRule, parse_names

LOOPBACK = HostRule("127.0.0.1", 8090)
EXPOSED = HostRule("0.0.0.0", 9464, parse_names(["worker", "proxy.lan:443"]))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8090", "localhost:8090", "LOCALHOST:8090", "localhost.:8090", "127.9.9.9:8090",
     "[::1]:8090", "[::ffff:127.0.0.1]:8090"],
)  # fmt: skip
def test_loopback_is_asked_by_its_own_names_and_port(host: str) -> None:
    assert LOOPBACK.accepts(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8090", "127.0.0.1", "localhost", "localhost:8091",
     "127.0.0.1.evil.example:8090", "localhost.evil.example:8090", "evil-localhost:8090",
     "10.0.0.7:8090", "0.0.0.0:8090", "[::]:8090", "169.254.169.254:8090", "user@localhost:8090",
     "localhost:8090,evil.example", "localhost:8090/", "localhost :8090", "localhost:x",
     "2130706433:8090", "0x7f.1:8090", "127.1:8090", "[localhost]:8090", "localhost:123456"],
)  # fmt: skip
def test_loopback_is_asked_by_no_other_name(host: str) -> None:
    assert not LOOPBACK.accepts(host)


def test_a_port_is_80_where_none_is_given() -> None:
    assert HostRule("localhost", 80).accepts("localhost")
    assert HostRule("::1", 80).accepts("[::1]")


@pytest.mark.parametrize(
    "host",
    ["10.12.0.7:9464", "10.12.0.7", "[fd00::7]:9464", "localhost:19464", "worker:1", "worker",
     "WORKER.:9464", "proxy.lan:443"],
)  # fmt: skip
def test_an_exposed_server_is_asked_by_addresses_and_configured_names(host: str) -> None:
    assert EXPOSED.accepts(host)


@pytest.mark.parametrize("host", ["evil.example:9464", "proxy.lan", "proxy.lan:9464", "a.worker"])
def test_an_exposed_server_is_asked_by_no_other_name(host: str) -> None:
    assert not EXPOSED.accepts(host)


def test_a_server_bound_to_a_name_is_asked_by_it() -> None:
    assert HostRule("metrics.lan", 9464).accepts("metrics.lan:9464")
    assert not HostRule("metrics.lan", 9464).accepts("other.lan:9464")


@pytest.mark.parametrize(
    ("hosts", "origins", "status"),
    [
        (["localhost:8090"], [], None),
        (["localhost:8090"], ["http://localhost:8090"], None),
        (["localhost:8090"], ["http://localhost:3000"], 403),
        (["localhost:8090"], ["http://127.0.0.1:8090"], 403),
        (["localhost:8090"], ["https://localhost:8090"], 403),
        (["localhost:8090"], ["http://evil.example"], 403),
        (["localhost:8090"], ["null"], 403),
        (["localhost:8090"], ["http://["], 403),
        (["localhost:8090"], [""], 403),
        (["evil.example:8090"], ["http://evil.example:8090"], 421),
        ([], [], 421),
        (["localhost:8090", "localhost:8090"], [], 421),
    ],
)
def test_a_page_is_answered_only_by_its_own_server(
    hosts: list[str], origins: list[str], status: int | None
) -> None:
    assert LOOPBACK.refuses({"Host": hosts, "Origin": origins}) == status


@pytest.mark.parametrize("name", ["", "http://worker", "a b", "worker:port", "me@worker"])
def test_what_is_no_name_is_not_taken_for_one(name: str) -> None:
    with pytest.raises(ValueError, match="^" + name) as caught:
        parse_names([name])
    assert str(caught.value) == name
