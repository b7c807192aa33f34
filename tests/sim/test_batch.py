"""Simulated batch jobs over a Cloud Storage server, by the reference and by Google's client."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from google.cloud.aiplatform_v1.types import BatchPredictionJob
from google.protobuf import json_format

from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.batch import ENDED, STATES
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.server import VertexSimulator
from tests.gcp.servers import GcsServer
from tests.sim.conftest import AUTHORISED, request

pytestmark = pytest.mark.needs("go")

JOBS = "v1/projects/p/locations/global/batchPredictionJobs"
LINES = 10


class Rig:
    """A simulator, a bucket of its own with a file of requests, and calls."""

    def __init__(
        self, simulator: VertexSimulator, client: aiohttp.ClientSession, buckets: Buckets, name: str
    ) -> None:
        self.simulator = simulator
        self.client = client
        self.buckets = buckets
        self.bucket = f"gs://{name}"

    async def call(self, verb: str, path: str, body: object = None, *, code: int = 200) -> Any:
        """Make a call; return its body."""
        async with self.client.request(verb, path, json=body) as response:
            answer = await response.json()
            assert response.status == code, answer
            return answer

    def job_request(self, **more: Any) -> dict[str, Any]:
        """Return a valid request for a job."""
        uris = [f"{self.bucket}/in.jsonl"]
        to = {"outputUriPrefix": f"{self.bucket}/out"}
        return {
            "displayName": "a-job",
            "model": "publishers/google/models/gemini-3.5-flash",
            "labels": {"sightline_run": "r"},
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": uris}},
            "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": to},
            **more,
        }

    async def ended(self, **more: Any) -> dict[str, Any]:
        """Begin a job, and return it when it has ended."""
        name = (await self.call("POST", JOBS, self.job_request(**more)))["name"]
        while True:
            job: dict[str, Any] = await self.call("GET", f"v1/{name}")
            if job["state"] in ENDED:
                return job
            await asyncio.sleep(0.01)

    async def lines(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the lines of a job's output."""
        uri = f"{job['outputInfo']['gcsOutputDirectory']}/predictions.jsonl"
        content = await self.buckets.read_file(uri, most_bytes=1 << 30)
        return [orjson.loads(line) for line in content.splitlines()]


@pytest.fixture
async def rig(gcs: GcsServer) -> AsyncIterator[Rig]:
    async with (
        Buckets.open(gcs.endpoint) as buckets,
        VertexSimulator(buckets=buckets, seed=3) as simulator,
        aiohttp.ClientSession(simulator.base_url + "/", headers=AUTHORISED) as client,
    ):
        rig = Rig(simulator, client, buckets, f"bucket-{uuid.uuid4().hex[:12]}")
        buckets_url = f"{gcs.endpoint}/storage/v1/b?project=p"
        async with client.post(
            buckets_url, json={"name": rig.bucket.removeprefix("gs://")}
        ) as response:
            assert response.status == 200
        lines = (orjson.dumps({"key": str(n), "request": request()}) for n in range(LINES))
        await buckets.write_file(f"{rig.bucket}/in.jsonl", b"\n".join(lines))
        yield rig


async def test_a_job_answers_every_line_in_another_order(rig: Rig) -> None:
    job = await rig.ended()
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["completionStats"]["successfulCount"] == str(LINES)
    lines = await rig.lines(job)
    keys = [line["key"] for line in lines]
    assert sorted(keys, key=int) == [str(n) for n in range(LINES)]
    assert keys != sorted(keys, key=int)
    assert all(line["status"] == "" and line["response"]["candidates"] for line in lines)
    assert all(line["request"]["contents"] == request()["contents"] for line in lines)
    assert lines[0]["request"]["tools"] is None, "the request comes back normalised"


async def test_a_job_has_the_shape_of_google_s_client(rig: Rig) -> None:
    job = await rig.ended()
    known = BatchPredictionJob()
    json_format.ParseDict(job, known._pb)  # refuses what it does not know
    assert known.state.name == job["state"]
    assert known.output_info.gcs_output_directory.startswith(f"{rig.bucket}/out/prediction-model-")
    for number, name in enumerate(STATES):
        assert type(known.state)(number).name == name


async def test_jobs_are_listed_by_name_and_label_newest_first(rig: Rig) -> None:
    first = await rig.ended()
    second = await rig.ended()
    await rig.ended(displayName="another")
    named = await rig.call("GET", JOBS + '?filter=display_name="a-job"')
    assert [job["name"] for job in named["batchPredictionJobs"]] == [second["name"], first["name"]]
    page = await rig.call("GET", JOBS + "?filter=labels.sightline_run=r&pageSize=2")
    assert len(page["batchPredictionJobs"]) == 2
    rest = await rig.call(
        "GET", f"{JOBS}?filter=labels.sightline_run=r&pageToken={page['nextPageToken']}"
    )
    assert [job["name"] for job in rest["batchPredictionJobs"]] == [first["name"]]
    assert await rig.call("GET", JOBS + "?filter=displayName=x") == {"batchPredictionJobs": []}
    await rig.call("GET", JOBS + "?filter=who knows", code=400)


async def test_lines_fail_as_calls_do(rig: Rig) -> None:
    rig.simulator.behave(Behaviour(faults=FaultMix({Fault.IMAGE_GONE: 0.5, Fault.HANG: 0.2})))
    job = await rig.ended()
    statuses = [line["status"] for line in await rig.lines(job)]
    failed = [status for status in statuses if status]
    assert job["completionStats"]["failedCount"] == str(len(failed))
    assert {status.partition(": ")[0] for status in failed} == {"Not Found", "Gateway Timeout"}
    assert orjson.loads(failed[0].partition(": ")[2])["error"]["code"] in {404, 504}


async def test_the_control_api_lets_jobs_go_otherwise(rig: Rig) -> None:
    ends = ["JOB_STATE_EXPIRED", "JOB_STATE_FAILED"]
    pace = {"ends": ends, "doubled": 1.0, "keys": False, "code": 7}
    pace_now = await rig.call("PUT", "control/batch", pace)
    assert pace_now == await rig.call("GET", "control/batch")
    expired = await rig.ended()
    lines = await rig.lines(expired)
    assert (expired["state"], len(lines)) == (ends[0], LINES), "half of them, each twice"
    assert all("key" not in line for line in lines)
    assert expired["completionStats"]["incompleteCount"] == str(LINES // 2)
    failed = await rig.ended()
    assert (failed["state"], failed["error"]["code"]) == (ends[1], 7)
    assert "outputInfo" not in failed
    assert (await rig.ended())["state"] == "JOB_STATE_SUCCEEDED"
    await rig.call("PUT", "control/batch", {"unknown": 1}, code=400)


async def test_a_job_that_runs_is_cancelled(rig: Rig) -> None:
    await rig.call("PUT", "control/batch", {"hold": True})
    name = (await rig.call("POST", JOBS, rig.job_request()))["name"]
    await rig.call("POST", f"v1/{name}:cancel", {})
    assert (await rig.call("GET", f"v1/{name}"))["state"] == "JOB_STATE_CANCELLED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"displayName": ""},
        {"model": "publishers/google/models/multimodalembedding@001"},
        {"inputConfig": {"instancesFormat": "csv", "gcsSource": {"uris": ["gs://b/x"]}}},
        {"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://b/x"] * 2}}},
        {"outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {}}},
        {"unknown": 1},
    ],
)
async def test_what_is_no_job_is_refused(rig: Rig, wrong: dict[str, Any]) -> None:
    refusal = await rig.call("POST", JOBS, rig.job_request(**wrong), code=400)
    assert refusal["error"]["status"] == "INVALID_ARGUMENT"


async def test_a_job_without_its_file_fails(rig: Rig) -> None:
    source = {"instancesFormat": "jsonl", "gcsSource": {"uris": [f"{rig.bucket}/none.jsonl"]}}
    job = await rig.ended(inputConfig=source)
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", 5)


async def test_a_line_that_is_no_request_fails_alone(rig: Rig) -> None:
    lines = [b"no JSON", orjson.dumps({"key": "1", "request": {"contents": [{"role": "x"}]}})]
    good = orjson.dumps({"key": "2", "request": request()})
    await rig.buckets.write_file(f"{rig.bucket}/in.jsonl", b"\n".join([*lines, good]))
    job = await rig.ended()
    stats = job["completionStats"]
    assert (stats["successfulCount"], stats["failedCount"]) == ("1", "2")


async def test_nobody_is_let_in_without_credentials(rig: Rig) -> None:
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{rig.simulator.base_url}/{JOBS}") as response,
    ):
        assert response.status == 401
    await rig.call("GET", f"{JOBS}/1", code=404)
