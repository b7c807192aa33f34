"""Tuning jobs of the simulator: Google's shapes, its refusals, and models that have learnt."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from googleapiclient.discovery_cache import (
    get_static_doc,
)

from sightline.sim.vertex.answers import CannotAnswerError, MadeUpAnswers
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.requests import GenerateRequest
from sightline.sim.vertex.server import VertexSimulator
from sightline.sim.vertex.tuned_answers import corrections_of
from tests.sim.conftest import Ask, request

JOBS = "v1/projects/p/locations/us-central1/tuningJobs"
SCHEMA = {"type": "OBJECT", "properties": {"kind": {"type": "STRING"}}}


class Files:
    """Objects in buckets."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    async def read(self, uri: str) -> bytes:
        if uri not in self.content:
            raise CannotAnswerError(Fault.IMAGE_GONE)
        return self.content[uri]


class AlwaysYield(MadeUpAnswers):
    """Says yield, whatever is shown."""

    async def generate(self, model: str, request: GenerateRequest) -> object:
        return {"kind": "yield"}


def example(number: int, answer: object, **more: Any) -> dict[str, Any]:
    user_turn = request()["contents"][0]
    user_turn["parts"][0]["fileData"]["fileUri"] = f"gs://b/{number}.jpg"
    model_turn = {"role": "model", "parts": [{"text": json.dumps(answer)}]}
    return {"contents": [user_turn, model_turn], **more}


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def job(**more: Any) -> dict[str, Any]:
    spec = {"trainingDatasetUri": "gs://b/t.jsonl", "validationDatasetUri": "gs://b/v.jsonl"}
    return {"baseModel": "gemini-3.5-flash", "supervisedTuningSpec": spec, **more}


BACKWARDS = {"contents": example(1, {})["contents"][::-1]}


@pytest.fixture
def files() -> Files:
    files = Files()
    files.content["gs://b/t.jsonl"] = jsonl(*(example(n, {"kind": "stop"}) for n in range(5)))
    files.content["gs://b/v.jsonl"] = jsonl(example(9, {"kind": "stop"}))
    return files


@pytest.fixture
async def simulator(files: Files) -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(answerer=AlwaysYield(), buckets=files) as simulator:
        yield simulator


async def pace(client: aiohttp.ClientSession, **how: Any) -> None:
    async with client.put("control/tuning", json=how) as response:
        assert response.status == 200


async def fetched(client: aiohttp.ClientSession, path: str, code: int = 200) -> Any:
    async with client.get(path) as response:
        assert response.status == code
        return await response.json()


async def test_a_job_is_as_the_discovery_document_has_it(
    client: aiohttp.ClientSession, ask: Ask
) -> None:
    labels = {"a": "b"}
    job_made = await ask(JOBS, job(tunedModelDisplayName="own", labels=labels))
    job_now = await fetched(client, f"v1/{job_made['name']}")
    schemas = json.loads(get_static_doc("aiplatform", "v1"))["schemas"]

    def check(value: dict[str, Any], name: str) -> None:
        known = schemas[name]["properties"]
        assert set(value) <= set(known), name
        for key, inner in value.items():
            if "enum" in known[key]:
                assert inner in known[key]["enum"]
            if isinstance(inner, dict) and "$ref" in known[key]:
                check(inner, known[key]["$ref"])
            if known[key].get("format") == "int64":
                assert isinstance(inner, str)

    check(job_now, "GoogleCloudAiplatformV1TuningJob")
    assert job_now["state"] == "JOB_STATE_SUCCEEDED"
    assert job_now["tunedModel"]["endpoint"].startswith(
        "projects/p/locations/us-central1/endpoints/"
    )
    assert (job_now["labels"], job_now["tunedModelDisplayName"]) == (labels, "own")


async def test_a_job_goes_through_its_states_by_the_clock_and_can_be_cancelled(
    client: aiohttp.ClientSession, ask: Ask
) -> None:
    await pace(client, pending_s=3600)
    name = (await ask(JOBS, job()))["name"]
    assert (await fetched(client, f"v1/{name}"))["state"] == "JOB_STATE_PENDING"
    await pace(client, pending_s=0, running_s=3600)
    assert (await fetched(client, f"v1/{name}"))["state"] == "JOB_STATE_RUNNING"
    await ask(f"v1/{name}:cancel", {})
    job_now = await fetched(client, f"v1/{name}")
    assert (job_now["state"], job_now["error"]["code"]) == ("JOB_STATE_CANCELLED", 1)
    assert "tunedModel" not in job_now


async def test_a_list_has_pages_and_the_newest_first(
    client: aiohttp.ClientSession, ask: Ask
) -> None:
    names = [(await ask(JOBS, job()))["name"] for _ in range(3)]
    first = await fetched(client, JOBS + "?pageSize=2")
    rest = await fetched(client, f"{JOBS}?pageSize=2&pageToken={first['nextPageToken']}")
    assert [job_listed["name"] for job_listed in first["tuningJobs"] + rest["tuningJobs"]] == names[
        ::-1
    ]
    assert "nextPageToken" not in rest
    other = await fetched(client, JOBS.replace("us-central1", "europe-west4"))
    assert other["tuningJobs"] == []


async def test_a_tuned_model_answers_what_it_was_taught_and_the_base_does_not(
    client: aiohttp.ClientSession, ask: Ask
) -> None:
    endpoint = (await ask(JOBS, job()))["tunedModel"]["endpoint"]
    config = {"responseMimeType": "application/json", "responseSchema": SCHEMA}
    body = request(generationConfig=config)
    base = await ask(
        "v1/projects/p/locations/us/publishers/google/models/gemini-3.5-flash:generateContent", body
    )
    tuned = await ask(f"v1/{endpoint}:generateContent", body)
    assert [_text(response) for response in (base, tuned)] == [
        '{"kind":"yield"}',
        '{"kind":"stop"}',
    ]
    gone = await ask("v1/projects/p/locations/us/endpoints/7:generateContent", body, code=404)
    assert (
        gone["error"]["message"] == "Endpoint `projects/p/locations/us/endpoints/7` is not found."
    )


def _text(response: Any) -> str:
    return str(response["candidates"][0]["content"]["parts"][0]["text"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseModel": "text-bison"}, "Base model text-bison is not supported."),
        ({"colour": "red"}, 'Unknown name "colour"'),
        ({"supervisedTuningSpec": {}}, "trainingDatasetUri should be a GCS object of type JSONL."),
        (
            {"supervisedTuningSpec": {"trainingDatasetUri": "gs://b/absent.jsonl"}},
            "gs://b/absent.jsonl does not exist.",
        ),
    ],
)
async def test_what_cannot_be_a_job_is_refused_at_once(
    ask: Ask, change: dict[str, Any], message: str
) -> None:
    refusal = await ask(JOBS, job(**change), code=400)
    assert message in refusal["error"]["message"]
    assert refusal["error"]["status"] == "INVALID_ARGUMENT"


async def test_no_job_runs_at_the_global_location(ask: Ask) -> None:
    refusal = await ask(JOBS.replace("us-central1", "global"), job(), code=400)
    assert "global" in refusal["error"]["message"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t", b"", "training dataset is empty"),
        ("t", b"{", "training dataset, row 1: not valid JSON"),
        ("v", jsonl({"contents": [{"role": "user", "parts": [{"text": "?"}]}]}), "row 1: contents"),
        (
            "t",
            jsonl(example(1, {}), {"contents": example(1, {})["contents"][::-1]}),
            "row 2: turns",
        ),
        ("t", jsonl(example(1, {}, colour="red")), 'Unknown name "colour"'),
        ("v", jsonl(*(example(n, {}) for n in range(5_001))), "exceeds the limit of 5000"),
    ],
)
async def test_files_that_cannot_be_learnt_from_fail_the_job_and_name_the_line(
    client: aiohttp.ClientSession, ask: Ask, files: Files, name: str, content: bytes, message: str
) -> None:
    files.content[f"gs://b/{name}.jsonl"] = content
    job_made = await ask(JOBS, job())
    job_now = await fetched(client, f"v1/{job_made['name']}")
    assert job_now["state"] == "JOB_STATE_FAILED"
    assert message in job_now["error"]["message"]


async def test_a_job_that_is_not_there_and_a_call_without_credentials_are_refused(
    client: aiohttp.ClientSession, simulator: VertexSimulator
) -> None:
    await fetched(client, f"{JOBS}/7", code=404)
    async with (
        aiohttp.ClientSession(simulator.base_url + "/") as nobody,
        nobody.get(JOBS) as response,
    ):
        assert response.status == 401


def test_only_what_errs_alike_in_most_cases_is_put_right() -> None:
    answer = {"kind": "yield", "tilted": True, "damage": ["rust"]}
    cases = [{"kind": "stop", "tilted": True, "damage": []}] * 3 + [
        {"kind": "yield", "tilted": False, "damage": []}
    ] * 2
    corrections = corrections_of([(answer, case) for case in cases])
    assert corrections["kind"] == {"yield": "stop"}
    assert corrections["tilted"] == {True: True}
    assert "damage" not in corrections
    assert corrections_of([(answer, cases[0])] * 2) == {}
