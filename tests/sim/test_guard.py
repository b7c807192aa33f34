"""The simulator refuses whom a page of another site sends: every route, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest

from sightline.http_client.hosts import parse_names
from sightline.sim.vertex.server import VertexSimulator

ROUTES = [
    ("GET", "/control/counters"),
    ("DELETE", "/control/counters"),
    ("PUT", "/control/quota"),
    ("PUT", "/control/faults"),
    ("GET", "/control/calls"),
    ("PUT", "/control/tuning"),
    ("POST", "/v1beta/models/gemini-3.5-flash:generateContent"),
    ("POST", "/v1/projects/p/locations/global/publishers/google/models/m:generateContent"),
    ("GET", "/v1/projects/p/locations/l/tuningJobs"),
    ("GET", "/nothing"),
]


@pytest.fixture
async def simulator() -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(host_names=parse_names(["simulator"])) as simulator:
        yield simulator


async def status_of(url: str, method: str, path: str, **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method,
            url + path,
            json={},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        ) as response,
    ):
        return response.status


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_refuses_another_s_name_and_another_site(
    simulator: VertexSimulator, method: str, path: str
) -> None:
    port = urlsplit(simulator.base_url).port
    for host in (f"evil.example:{port}", "evil.example", "127.0.0.1", f"10.0.0.1:{port}"):
        assert await status_of(simulator.base_url, method, path, Host=host) == 421
    url = simulator.base_url
    assert await status_of(url, method, path, Origin="http://evil.example") == 403
    assert await status_of(url, method, path, Origin="null") == 403
    assert await status_of(url, method, path, Sec_Fetch_Site="cross-site") == 403
    assert simulator.counters.to_json() == VertexSimulator().counters.to_json()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "simulator"])
async def test_it_is_asked_by_its_own_names_and_those_it_was_given(
    simulator: VertexSimulator, name: str
) -> None:
    host = f"{name}:{urlsplit(simulator.base_url).port}"
    path = "/control/counters"
    assert await status_of(simulator.base_url, "GET", path, Host=host) == 200
    origin = f"http://{host}"
    assert await status_of(simulator.base_url, "GET", path, Host=host, Origin=origin) == 200
