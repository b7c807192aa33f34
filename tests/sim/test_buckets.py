"""Images out of buckets: what Cloud Storage refuses, what is too large, names of any kind."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.buckets import MOST_BYTES, Buckets
from sightline.sim.vertex.faults import Fault
from tests.gcp.servers import GcsServer


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (404, Fault.IMAGE_GONE),
        (403, Fault.IMAGE_FORBIDDEN),
        (401, Fault.IMAGE_FORBIDDEN),
        (429, Fault.UNAVAILABLE),
        (500, Fault.UNAVAILABLE),
    ],
)
async def test_what_cloud_storage_refuses_is_a_fault_of_the_service(
    status: int, fault: Fault
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    application = web.Application()
    application.router.add_get("/{path:.+}", refuse)
    async with TestServer(application) as server:
        endpoint = str(server.make_url(""))
        async with Buckets.open(endpoint) as buckets:
            with pytest.raises(CannotAnswerError) as caught:
                await buckets.read("gs://b/o.jpg")
    assert caught.value.fault is fault
    async with Buckets.open(endpoint) as buckets:  # nobody is there any more
        with pytest.raises(CannotAnswerError) as caught:
            await buckets.read("gs://b/o.jpg")
    assert caught.value.fault is Fault.UNAVAILABLE


async def test_a_file_larger_than_gemini_takes_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(bytes(1 << 20))
        return response

    application = web.Application()
    application.router.add_get("/{path:.+}", endless)
    assert MOST_BYTES < 100 << 20
    async with (
        TestServer(application) as server,
        Buckets.open(str(server.make_url(""))) as buckets,
    ):
        with pytest.raises(CannotAnswerError) as caught:
            await buckets.read("gs://b/o.jpg")
    assert caught.value.fault is Fault.IMAGE_TOO_LARGE


@pytest.mark.needs("go")
async def test_objects_of_a_cloud_storage_server_are_read_whatever_their_names(
    gcs: GcsServer,
) -> None:
    names = ["plain.jpg", "s1/v0/o 1.jpg", "ümlaut/100%/a+b?.jpg#1"]
    async with aiohttp.ClientSession() as session:
        await session.post(f"{gcs.endpoint}/storage/v1/b", json={"name": "named"})
        for name in names:
            parameters = {"uploadType": "media", "name": name}
            url = f"{gcs.endpoint}/upload/storage/v1/b/named/o"
            async with session.post(url, params=parameters, data=name.encode()) as response:
                assert response.status == 200
    async with Buckets.open(gcs.endpoint) as buckets:
        for name in names:
            assert await buckets.read(f"gs://named/{name}") == name.encode()
        with pytest.raises(CannotAnswerError) as caught:
            await buckets.read("gs://named/not there.jpg")
    assert caught.value.fault is Fault.IMAGE_GONE
