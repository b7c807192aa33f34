"""The record of calls: what was asked, when, and what became of it; only where it is wanted."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from sightline.sim.vertex.server import VertexSimulator
from tests.sim.conftest import EMBED, GENERATE, Ask, request

IMAGE = "gs://b/1.jpg"


async def _calls(client: aiohttp.ClientSession) -> list[dict[str, Any]]:
    async with client.get("control/calls") as response:
        calls: list[dict[str, Any]] = (await response.json())["calls"]
        return calls


@pytest.fixture
async def kept(client: aiohttp.ClientSession) -> None:
    async with client.put("control/calls", json={"kept": True}) as response:
        assert response.status == 200


async def test_nothing_is_recorded_unless_it_is_asked_for(
    ask: Ask, client: aiohttp.ClientSession
) -> None:
    await ask(GENERATE, request())
    assert await _calls(client) == []


@pytest.mark.usefixtures("kept")
async def test_each_call_has_its_image_its_method_and_its_time(
    ask: Ask, client: aiohttp.ClientSession
) -> None:
    await ask(GENERATE, request())
    part = {"fileData": {"fileUri": IMAGE, "mimeType": "image/jpeg"}}
    config = {"outputDimensionality": 128}
    await ask(EMBED, {"content": {"parts": [part]}, "embedContentConfig": config})
    first, second = await _calls(client)
    assert (first["method"], first["image"], first["outcome"]) == (
        "generateContent", IMAGE, "answered"
    )  # fmt: skip
    assert (second["method"], second["model"], second["image"], second["outcome"]) == (
        "embedContent", "gemini-embedding-2", IMAGE, "answered"
    )  # fmt: skip
    assert first["began_s"] <= first["ended_s"] <= second["began_s"] <= second["ended_s"]


@pytest.mark.usefixtures("kept")
async def test_a_fault_and_a_refusal_are_told_by_their_names(
    ask: Ask, client: aiohttp.ClientSession
) -> None:
    for fault, code in (("unavailable", 503), ("safety", 200)):
        async with client.put("control/faults", json={"shares": {fault: 1.0}}):
            await ask(GENERATE, request(), code=code)
    async with client.put("control/quota", json={"rate_per_s": 0}):
        await ask(GENERATE, request())  # a full bucket holds one call
        await ask(GENERATE, request(), code=429)
    assert [call["outcome"] for call in await _calls(client)] == [
        "unavailable", "safety", "safety", "over_quota"
    ]  # fmt: skip


@pytest.mark.usefixtures("kept")
async def test_a_call_whose_client_left_is_unanswered(
    client: aiohttp.ClientSession, simulator: VertexSimulator
) -> None:
    async with client.put("control/latency", json={"median_s": 60}):
        pass
    calling = asyncio.create_task(client.post(GENERATE, json=request()))
    while not (calls := await _calls(client)):
        pass
    (under_way,) = calls
    assert (under_way["outcome"], under_way["ended_s"]) == ("unanswered", None)
    calling.cancel()
    while simulator.counters.in_flight:
        await _calls(client)
    (left,) = await _calls(client)
    assert left["outcome"] == "unanswered"
    assert left["ended_s"] >= left["began_s"]


@pytest.mark.usefixtures("kept")
async def test_the_record_can_be_forgotten_and_switched_off(
    ask: Ask, client: aiohttp.ClientSession
) -> None:
    await ask(GENERATE, request())
    async with client.delete("control/calls"):
        assert await _calls(client) == []
    async with client.put("control/calls", json={"kept": False}):
        await ask(GENERATE, request())
    assert await _calls(client) == []


async def test_what_is_not_understood_changes_nothing(client: aiohttp.ClientSession) -> None:
    async with client.put("control/calls", json={"kept": "yes"}) as response:
        assert response.status == 400
        assert "give" in (await response.json())["error"]
