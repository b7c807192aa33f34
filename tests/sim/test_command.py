"""``sightline simulate vertex``: what it prints, how it behaves, how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sightline.sim.vertex import Fault, RateStep
from sightline.sim.vertex.options import faults_of, schedule_of
from tests.sim.conftest import AUTHORISED, GENERATE, request
from tests.waiting import GIVE_UP_S

COMMAND = (sys.executable, "-m", "sightline", "simulate", "vertex")


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the command on a free port; yield it and the first line that it prints."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--port", "0", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), GIVE_UP_S)
        yield process, line.decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def codes(url: str, calls: int) -> list[int]:
    statuses = []
    async with aiohttp.ClientSession(url + "/", headers=AUTHORISED) as session:
        for _ in range(calls):
            async with session.post(GENERATE, json=request()) as response:
                statuses.append(response.status)
    return statuses


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_a_signal_and_says_what_it_counted(number: signal.Signals) -> None:
    async with running("--answers", "instant", "--rate-per-s", "0") as (process, url):
        assert await codes(url, 2) == [200, 429]
        process.send_signal(number)
        out, _ = await asyncio.wait_for(process.communicate(), GIVE_UP_S)
    assert process.returncode == 0
    lines = out.decode().splitlines()
    assert "answered generateContent: 1" in lines
    assert "over quota generateContent: 1" in lines


async def test_in_json_the_url_comes_first_and_the_counters_last() -> None:
    options = ("--json", "--answers", "instant", "--fault", "unavailable=1")
    async with running(*options) as (process, line):
        assert await codes(json.loads(line)["base_url"], 1) == [503]
        process.terminate()
        out, _ = await asyncio.wait_for(process.communicate(), GIVE_UP_S)
    assert json.loads(out)["counters"]["faults"] == {"unavailable": 1}


async def test_the_demo_model_s_images_come_from_the_endpoint_that_is_named() -> None:
    nobody = "http://127.0.0.1:9"
    async with running("--gcs-endpoint", nobody) as (process, url):
        schema = {"type": "OBJECT", "properties": {"leaning": {"type": "BOOLEAN"}}}
        body = request(
            generationConfig={"responseMimeType": "application/json", "responseSchema": schema}
        )
        async with (
            aiohttp.ClientSession(url + "/", headers=AUTHORISED) as session,
            session.post(GENERATE, json=body) as response,
        ):
            assert response.status == 503
            assert "Cloud Storage cannot be read" in await response.text()
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--answers", "gemini"),
        ("--rate-per-s", "5", "--quota", "0s:5"),
        ("--quota", "soon:5"),
        ("--fault", "earthquake=0.1"),
        ("--fault", "reset=2"),
        ("--median-s", "-1"),
        ("--rate-per-s", "-1"),
        ("--host", "203.0.113.1"),
    ],
)
async def test_what_makes_no_sense_is_told_in_one_line(options: tuple[str, ...]) -> None:
    async with running("--answers", "instant", *options) as (process, line):
        out, error = await asyncio.wait_for(process.communicate(), GIVE_UP_S)
    assert process.returncode == 2
    assert line == ""
    assert out == b""
    assert error.decode().startswith("sightline: ")
    assert error.count(b"\n") == 1


def test_a_schedule_in_words_is_the_schedule() -> None:
    assert schedule_of("0s:50, 60s:20.5,120s:none").steps == (
        RateStep(0.0, 50.0),
        RateStep(60.0, 20.5),
        RateStep(120.0, None),
    )


@pytest.mark.parametrize("text", ["", "50", "0s:", "60s:5,0s:5", "-1s:5", "0s:5;1s:6"])
def test_words_that_are_no_schedule_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        schedule_of(text)


def test_shares_in_words_are_a_mix() -> None:
    assert faults_of(["throttled=0.1", "reset=0.02"]).shares == {
        Fault.THROTTLED: 0.1,
        Fault.RESET: 0.02,
    }
    assert faults_of([]).shares == {}


@pytest.mark.parametrize("texts", [["x=1"], ["reset"], ["reset=a"], ["reset=0.6", "safety=0.6"]])
def test_words_that_are_no_mix_are_an_error(texts: list[str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        faults_of(texts)
