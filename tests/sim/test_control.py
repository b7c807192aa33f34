"""The control API: what is set is read back and holds for the next call."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from sightline.sim.vertex import Behaviour, Latency
from sightline.sim.vertex.server import VertexSimulator
from tests.sim.conftest import AUTHORISED, EMBED, GENERATE, Ask, request

SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "quota": (
        {"rate_per_s": 50, "burst_s": 2, "refusal": "throttled_retry_info"},
        {
            "rate_per_s": 50,
            "burst_s": 2.0,
            "window_s": None,
            "refusal": "throttled_retry_info",
            "scheduled": False,
        },
    ),
    "schedule": (
        {"steps": [{"at_s": 0, "rate_per_s": 50}, {"at_s": 60, "rate_per_s": None}]},
        {
            "schedules": {
                "*": {
                    "steps": [{"at_s": 0.0, "rate_per_s": 50}, {"at_s": 60.0, "rate_per_s": None}],
                    "burst_s": 1.0,
                    "window_s": None,
                }
            }
        },
    ),
    "faults": (
        {"shares": {"reset": 0.1, "safety": 0.2}},
        {"shares": {"reset": 0.1, "safety": 0.2}, "retry_delay_s": 1.0},
    ),
    "latency": (
        {"median_s": 2, "p99_s": 8, "refusal_s": 0.1},
        {"median_s": 2.0, "p99_s": 8.0, "refusal_s": 0.1},
    ),
}


@pytest.mark.parametrize("topic", SETTINGS)
async def test_what_is_put_is_what_is_read(topic: str, client: aiohttp.ClientSession) -> None:
    change, expected = SETTINGS[topic]
    async with client.put(f"control/{topic}", json=change) as response:
        assert response.status == 200
        assert await response.json() == expected
    async with client.get(f"control/{topic}") as response:
        assert await response.json() == expected


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("quota", {}),
        ("quota", {"rate_per_s": -1}),
        ("quota", {"rate_per_s": 5, "refusal": "reset"}),
        ("quota", {"rate_per_s": "many"}),
        ("schedule", {"steps": []}),
        ("schedule", [1]),
        ("faults", {"shares": {"earthquake": 0.1}}),
        ("faults", {"shares": {"reset": 2}}),
        ("latency", {"median_s": -1}),
        ("latency", {"mode_s": 1}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    topic: str, change: object, client: aiohttp.ClientSession
) -> None:
    async with client.get(f"control/{topic}") as response:
        before = await response.json()
    async with client.put(f"control/{topic}", json=change) as response:
        assert response.status == 400
        assert (await response.json())["error"]
    async with client.get(f"control/{topic}") as response:
        assert await response.json() == before


async def test_a_quota_put_over_http_is_enforced(ask: Ask, client: aiohttp.ClientSession) -> None:
    async with client.put("control/quota", json={"rate_per_s": 0}):
        pass
    await ask(GENERATE, request())
    error = (await ask(GENERATE, request(), code=429))["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    async with client.get("control/counters") as response:
        counters = await response.json()
    assert counters["received"] == {"generateContent": 2}
    assert counters["answered"] == {"generateContent": 1}
    assert counters["over_quota"] == {"generateContent": 1}


async def test_every_call_received_is_counted_once_for_what_became_of_it(
    simulator: VertexSimulator, client: aiohttp.ClientSession
) -> None:
    shares = {"safety": 0.2, "unavailable": 0.2, "image_gone": 0.2}
    async with client.put("control/faults", json={"shares": shares}):
        pass
    part = {"text": "x"}
    for _ in range(30):
        async with client.post(GENERATE, json=request(labels={"run": "r1"})):
            pass
        async with client.post(EMBED, json={"content": {"parts": [part]}}):
            pass
    async with client.post(GENERATE, json={}):
        pass
    counted = simulator.counters
    outcomes = (counted.answered, counted.over_quota, counted.rejected, counted.faults)
    assert (
        sum(sum(outcome.values()) for outcome in outcomes) == 61 == sum(counted.received.values())
    )
    assert counted.labels == {
        "run=r1": counted.answered["generateContent"] + counted.faults["safety"]
    }
    assert counted.in_flight == 0


async def test_a_client_that_leaves_early_is_counted_as_such() -> None:
    async with (
        VertexSimulator(Behaviour(latency=Latency(median_s=3600))) as slow,
        aiohttp.ClientSession(slow.base_url + "/", headers=AUTHORISED) as session,
    ):
        with pytest.raises(TimeoutError):
            await session.post(GENERATE, json=request(), timeout=aiohttp.ClientTimeout(total=0.2))
    assert slow.counters.abandoned == slow.counters.received == {"generateContent": 1}
    assert slow.counters.in_flight == 0


async def test_counters_can_be_set_to_zero(ask: Ask, client: aiohttp.ClientSession) -> None:
    await ask(GENERATE, request())
    async with client.delete("control/counters") as response:
        counters = await response.json()
    assert not any(counters.values())
