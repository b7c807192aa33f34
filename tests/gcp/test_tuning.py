"""Tuning jobs through Google's own client: submitted once, waited for, errors in one line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from sightline.errors import (
    ConfigurationError,
    NotFoundError,
    SightlineError,
    ThrottledError,
    TransientError,
)
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.tuning import (
    JobWatch,
    TuningClient,
    TuningJob,
    TuningRequest,
    find_or_submit,
    same_job,
    wait_until_ended,
)
from sightline.gcp.vertex_location import VertexLocation
from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.server import VertexSimulator
from tests.gcp.conftest import TOKEN

REQUEST = TuningRequest(
    task="road_signs",
    fingerprint="f" * 64,
    identity="0123456789abcdef" * 4,
    base_model="gemini-3.5-flash-lite",
    training_uri="gs://b/t.jsonl",
    validation_uri="gs://b/v.jsonl",
    epochs=2,
    adapter_size=4,
    learning_rate_multiplier=0.5,
)


class OneExample:
    """A bucket in which every file except ``absent.jsonl`` has one example."""

    async def read(self, uri: str) -> bytes:
        if uri.endswith("absent.jsonl"):
            raise CannotAnswerError(Fault.IMAGE_GONE)
        turns = [{"role": role, "parts": [{"text": "x"}]} for role in ("user", "model")]
        return json.dumps({"contents": turns}).encode()


@pytest.fixture
async def simulator() -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(buckets=OneExample()) as simulator:
        yield simulator


@pytest.fixture
async def client(simulator: VertexSimulator) -> AsyncIterator[TuningClient]:
    place = VertexLocation("p", "us-central1", simulator.base_url)
    async with TuningClient.open(place, GoogleTokens.fixed(TOKEN).credentials) as client:
        yield client


async def pace(simulator: VertexSimulator, **how: Any) -> None:
    async with (
        aiohttp.ClientSession(simulator.base_url) as session,
        session.put("/control/tuning", json=how) as response,
    ):
        assert response.status == 200


async def test_a_job_has_the_values_of_its_request(client: TuningClient) -> None:
    made = await client.create(REQUEST)
    job = await client.get(made.number)
    assert replace(job, ended_at=None) == replace(made, ended_at=None)
    assert (job.base_model, job.epochs) == (REQUEST.base_model, 2)
    assert (job.training_uri, job.validation_uri) == (
        REQUEST.training_uri,
        REQUEST.validation_uri,
    )
    assert job.display_name == "sightline-road_signs-0123456789ab"
    assert job.task == "road_signs"
    assert job.succeeded
    assert job.endpoint.startswith("projects/p/locations/us-central1/endpoints/")
    assert (job.examples, job.billable_tokens) == (1, 2 * 2)
    hyper = REQUEST.message()["supervised_tuning_spec"]["hyper_parameters"]
    assert hyper["adapter_size"] == "ADAPTER_SIZE_FOUR"


async def test_parameters_that_are_not_given_are_left_to_google(client: TuningClient) -> None:
    plain = replace(REQUEST, epochs=None, adapter_size=None, learning_rate_multiplier=None)
    assert plain.message()["supervised_tuning_spec"]["hyper_parameters"] == {}
    assert (await client.create(plain)).epochs is None


async def test_the_same_job_is_found_and_another_is_submitted(client: TuningClient) -> None:
    first, new = await find_or_submit(client, REQUEST)
    assert new
    again, new = await find_or_submit(client, REQUEST)
    assert (again.name, new) == (first.name, False)
    _, new = await find_or_submit(client, replace(REQUEST, identity="1" * 64))
    assert new
    assert len(await client.jobs()) == 2


async def test_a_job_whose_response_was_lost_is_found_again(
    client: TuningClient, simulator: VertexSimulator
) -> None:
    await pace(simulator, lose_answers=1)
    job, new = await find_or_submit(client, REQUEST)
    assert new
    assert [job.name for job in await client.jobs()] == [job.name]


async def test_of_two_simultaneous_commands_the_later_one_cancels_its_job(
    client: TuningClient, simulator: VertexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pace(simulator, running_s=3600)
    jobs, other = client.jobs, []

    async def overtaken() -> Any:
        """Return no job, while another command submits the same request."""
        monkeypatch.setattr(client, "jobs", jobs)
        listed = await jobs()
        other.append(await client.create(REQUEST))
        return listed

    monkeypatch.setattr(client, "jobs", overtaken)
    job, new = await find_or_submit(client, REQUEST)
    assert (job.name, new) == (other[0].name, False)
    assert sorted(job.state for job in await client.jobs()) == ["CANCELLED", "RUNNING"]


async def test_a_killed_command_s_job_is_found_by_the_next_one(
    client: TuningClient, simulator: VertexSimulator
) -> None:
    await pace(simulator, lose_answers=1, running_s=3600)
    with pytest.raises(TransientError):
        await client.create(REQUEST)  # and the process ends here
    job, new = await find_or_submit(client, REQUEST)
    assert (job.state, new) == ("RUNNING", False)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED", "CANCELLING"])
def test_only_a_job_that_may_create_a_model_counts_as_the_same(state: str) -> None:
    job = TuningJob("n", "d", state, "m", "t", "v", labels=REQUEST.labels)
    assert same_job([job], REQUEST) is None
    ended_job = replace(job, state="SUCCEEDED", endpoint="e")
    assert same_job([job, ended_job], REQUEST) == ended_job
    assert same_job([replace(job, state="RUNNING"), ended_job], REQUEST) == ended_job
    assert same_job([replace(ended_job, labels={})], REQUEST) is None


async def test_a_job_that_succeeded_without_a_model_is_not_paid_for_again(
    client: TuningClient, simulator: VertexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_model = TuningJob("n/7", "d", "SUCCEEDED", "m", "t", "v", labels=REQUEST.labels)

    async def jobs() -> list[TuningJob]:
        return [no_model]

    with monkeypatch.context() as patch:
        patch.setattr(client, "jobs", jobs)
        with pytest.raises(
            ConfigurationError, match=r"job 7 is SUCCEEDED and names no model.*cons"
        ):
            await find_or_submit(client, REQUEST)
    assert await client.jobs() == []
    other = replace(no_model, name="n/8", state="RUNNING")
    assert same_job([no_model, other], REQUEST) == other
    assert same_job([replace(no_model, labels={})], REQUEST) is None


async def test_each_polled_state_is_reported_until_the_job_ends(
    client: TuningClient, simulator: VertexSimulator
) -> None:
    await pace(simulator, running_s=3600)
    job = await client.create(REQUEST)
    states: list[str] = []

    async def sleep(seconds: float) -> None:
        assert seconds == 5
        if len(states) == 2:
            await pace(simulator, running_s=0)

    ended = await wait_until_ended(
        client, job, lambda polled: states.append(polled.state), JobWatch(5, sleep=sleep)
    )
    assert ended.succeeded
    assert states == ["RUNNING", "RUNNING", "SUCCEEDED"]


async def test_waiting_tolerates_a_limited_number_of_failed_polls(
    client: TuningClient, simulator: VertexSimulator
) -> None:
    await pace(simulator, running_s=3600)
    job = await client.create(REQUEST)
    await pace(simulator, refuse="UNAVAILABLE")
    pauses = 0

    async def sleep(_: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 3 and recovers:
            await pace(simulator, refuse="", running_s=0)

    recovers = True
    assert (await wait_until_ended(client, job, lambda _: None, JobWatch(1, 4, sleep))).succeeded
    recovers = False
    await pace(simulator, refuse="UNAVAILABLE")
    with pytest.raises(TransientError):
        await wait_until_ended(client, job, lambda _: None, JobWatch(1, 4, sleep))


async def test_a_cancelled_job_has_no_model(
    client: TuningClient, simulator: VertexSimulator
) -> None:
    await pace(simulator, running_s=3600)
    job = await client.create(REQUEST)
    await client.cancel(job.number)
    job_now = await client.get(job.name)
    assert (job_now.state, job_now.succeeded, job_now.is_active) == ("CANCELLED", False, False)
    assert job_now.error == "The tuning job was cancelled."


@pytest.mark.parametrize(
    ("refuse", "kind", "message"),
    [
        ("PERMISSION_DENIED", ConfigurationError, "grant roles/aiplatform.user on the project"),
        ("UNAUTHENTICATED", ConfigurationError, "gcloud auth application-default login"),
        ("RESOURCE_EXHAUSTED", ThrottledError, "wait for a job to end"),
        ("UNAVAILABLE", TransientError, "try again in a moment"),
        ("INTERNAL", TransientError, "try again in a moment"),
        ("NOT_FOUND", NotFoundError, "`sightline tune list`"),
    ],
)
async def test_a_refusal_is_one_line_with_the_next_step(
    client: TuningClient,
    simulator: VertexSimulator,
    refuse: str,
    kind: type[SightlineError],
    message: str,
) -> None:
    await pace(simulator, refuse=refuse)
    with pytest.raises(kind) as caught:
        await client.get("7")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "http" not in str(caught.value)
    assert TOKEN not in repr(caught.value.__cause__) + repr(caught.value.__context__.__class__)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training_uri": "gs://b/absent.jsonl"}, "gs://b/absent.jsonl does not exist"),
        ({"base_model": "text-bison"}, "Base model text-bison is not supported"),
        ({"adapter_size": 16, "training_uri": "gs://b/t.csv"}, "should be a GCS object"),
    ],
)
async def test_an_invalid_job_is_refused_before_it_costs_anything(
    client: TuningClient, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match="correct --model, --location") as caught:
        await client.create(replace(REQUEST, **change))
    assert message in str(caught.value)
    assert await client.jobs() == []


@pytest.mark.parametrize(
    "job", ["", "1/2", "../1", "1?x=2", "projects/p/locations/l/tuningJobs/", "projects/p/jobs/1"]
)
async def test_an_invalid_job_name_is_reported_before_any_request(
    client: TuningClient, job: str
) -> None:
    with pytest.raises(ConfigurationError, match="as `sightline tune list` shows them"):
        await client.get(job)


async def test_an_unreachable_service_is_a_transient_error(simulator: VertexSimulator) -> None:
    place = VertexLocation("p", "us-central1", "http://127.0.0.1:9")
    async with TuningClient.open(place, GoogleTokens.fixed(TOKEN).credentials) as nobody:
        with pytest.raises(TransientError, match="out of reach"):
            await nobody.jobs()


@pytest.mark.parametrize("location", ["global", "us", "eu", "", "a.example/", "us-central1/.."])
async def test_a_location_without_tuning_is_refused_before_any_request(location: str) -> None:
    with pytest.raises(ConfigurationError, match="give --location"):
        async with TuningClient.open(VertexLocation("p", location), None):
            pass
